// A pool of workers, each with something of its own: sessions keep their worker, and one crash takes down one worker.
import { setTimeout as sleep } from 'node:timers/promises'
import { fromWorkerPool, StageCrash } from 'spillway/actors'
import { createActor, toPromise } from 'xstate'

type Turn = Record<'session' | 'text', string>

const pool = fromWorkerPool(
  async ({ session, text }: Turn, { state, worker }) => {
    await sleep(5)
    if (text === 'poison') throw new StageCrash('the model process died')
    state.turns += 1
    return `worker ${worker}, its turn ${state.turns}: ${session} says ${text}`
  },
  {
    workers: 2,
    channel: { capacity: 10 },
    routing: { affinity: ({ session }) => session },
    setup: () => ({ turns: 0 }), // a process, a browser, a connection …
    supervision: { backoff: () => 20 },
    onValue: (line) => {
      console.log(line)
    },
    onError: (error, { item }) => {
      console.log('failed:', item.text, String(error))
    },
  },
)

const actor = createActor(pool)
actor.on('restarted', ({ id }) => {
  console.log(id, 'runs again', pool.figures())
})
actor.start()
for (const text of ['one', 'poison', 'two']) {
  for (const session of ['ada', 'alan']) pool.offer({ session, text: session === 'ada' ? text : `${text}!` })
}
actor.send({ type: 'drain' })
await toPromise(actor)
