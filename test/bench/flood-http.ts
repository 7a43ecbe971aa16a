/**
 * Pours 10,000 HTTP requests at once over loopback into `spillway serve`, whose model takes a second for each
 * and answers 16 at a time, and prints how it went; the exit code says whether every demand was met. It takes
 * about a minute. `--connections N` bounds the client's open connections, 1 … 20,000; default 10,000, one each.
 */
import { Agent, request as httpRequest } from 'node:http'
import { parseArgs } from 'node:util'
import { checkInteger } from '../../operators/index.ts'
import { residentMb } from '../fixtures/process-memory.ts'
import { sumOf } from '../integration/flood.ts'
import { startSpillway } from '../integration/spillway-process.ts'

const requests = 10_000

const { values } = parseArgs({ options: { connections: { type: 'string', default: String(requests) } } })
const given = values.connections
const connections = checkInteger('--connections', /^\d+$/.test(given) ? Number(given) : given, { min: 1, max: 20_000 })
const agent = new Agent({ keepAlive: true, maxSockets: connections })

interface Answer {
  readonly status: number
  readonly retryAfterMs: number
  readonly body: string
}

function ask(url: string, id: number): Promise<Answer> {
  const body = JSON.stringify({ messages: [{ role: 'user', content: `What holds back the water of dam ${id}?` }] })
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    const call = httpRequest(`${url}/v1/chat/completions`, { method: 'POST', agent, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => (text += part))
      response.on('error', reject)
      response.on('end', () => {
        const { statusCode: status = 0, headers } = response
        resolve({ status, retryAfterMs: Number(headers['retry-after-ms'] ?? 0), body: text })
      })
    })
    call.on('error', reject)
    call.end(body)
  })
}

const spillway = await startSpillway(['--no-docs', '--echo-delay-ms', '1000', '--log-level', 'error'])
const { url, child } = spillway
try {
  await ask(url, -1)
  const baseline = residentMb(child.pid!)
  let peak = baseline
  const looking = setInterval(() => {
    peak = Math.max(peak, residentMb(child.pid!))
  }, 100)
  const startedAt = performance.now()
  const answers = await Promise.allSettled(Array.from({ length: requests }, (_, id) => ask(url, id)))
  const durationMs = performance.now() - startedAt
  clearInterval(looking)
  const heard = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))
  const unheard = answers.flatMap((answer) => (answer.status === 'rejected' ? [String(answer.reason)] : []))
  const completed = heard.filter(({ status }) => status === 200).length
  const shed = heard.filter(({ status, retryAfterMs }) => status === 429 && retryAfterMs > 0).length
  const metrics = await (await fetch(`${url}/metrics`)).text()
  const scraped = {
    completed: sumOf(metrics, 'orchestrator_requests_total{outcome="completed"') - 1,
    shed: sumOf(metrics, 'orchestrator_requests_shed_total{'),
    atTheDoor: metrics
      .split('\n')
      .filter((line) => line.startsWith('orchestrator_requests_shed_total{') && line.includes('reason="door"'))
      .reduce((sum, line) => sum + sumOf(line, 'orchestrator_requests_shed_total{'), 0),
  }
  const demands: readonly (readonly [demand: string, figure: string, met: boolean])[] = [
    ['every caller hears an answer', `${heard.length}${summary(unheard)}`, heard.length === requests],
    ['200 + 429 = requests', `${completed} + ${shed} = ${completed + shed}`, completed + shed === requests],
    ['completed ≥ 500', String(completed), completed >= 500],
    ['none is shed once it is let in', `${scraped.atTheDoor} at the door`, scraped.atTheDoor === shed],
    ['/metrics says the same', JSON.stringify(scraped), scraped.completed === completed && scraped.shed === shed],
  ]
  console.log(
    `${requests} HTTP requests at once on ${connections} connections, over after ${Math.round(durationMs)} ms\n`,
  )
  for (const [demand, figure, met] of demands) console.log(`${met ? 'yes' : 'NO '}  ${demand.padEnd(34)}${figure}`)
  console.log(`     resident memory, server           ${Math.round(baseline)} MB, at the most ${Math.round(peak)} MB`)
  if (!demands.every(([, , met]) => met)) process.exitCode = 1
} finally {
  agent.destroy()
  await spillway.stop()
}

function summary(errors: readonly string[]): string {
  return errors.length === 0 ? '' : `; the first of ${errors.length} errors: ${errors[0] ?? ''}`
}
