// The life of a stage: what it acquires, how it is paused, given another handler, found unwell, and drained.
import { setTimeout as sleep } from 'node:timers/promises'
import { filter, firstValueFrom } from 'rxjs'
import { pipeline } from 'spillway'

let connections = 0
let broken = false

const running = pipeline<string>('queries')
  .stage('query', (query, { state }) => `${query} by ${state.name}`, {
    capacity: 64,
    concurrency: 4,
    setup: async () => {
      await sleep(10)
      broken = false
      return { name: `connection ${++connections}` }
    },
    teardown: ({ name }, { reason }) => {
      console.log('closed', name, `(${reason})`)
    },
    health: { check: () => !broken, everyMs: 20, failures: 2 },
  })
  .start({ supervision: { backoff: () => 10 } })

running.events$.subscribe({
  next: (event) => {
    console.log(event.type, event.stage)
  },
  error: console.error,
})

async function ask(query: string): Promise<void> {
  const outcome = await running.submit(query).outcome
  console.log(outcome.kind === 'completed' ? outcome.value : outcome.kind)
}

await ask('one') // waited for connection 1

const query = running.stage('query')
query.pause()
const waiting = ask('two')
query.resume()
await waiting

await query.swap((text, { state }) => `${text.toUpperCase()} by ${state.name}`)
await ask('three')

const restarted = firstValueFrom(running.events$.pipe(filter(({ type }) => type === 'restarted')))
broken = true
await restarted // unhealthy twice, then crashed
await ask('four') // by connection 2
await running.drain()
