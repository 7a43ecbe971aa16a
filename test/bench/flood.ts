/**
 * Pours 10,000 requests at once into the five stages, whose model takes a second for each and answers 16 at a
 * time, and prints how it went; the exit code says whether every demand was met. It takes half a minute; with
 * `--virtual` the time is virtual. `--json` prints the figures as JSON.
 */
import { parseArgs } from 'node:util'
import { systemClock } from '../../operators/index.ts'
import { VirtualClock } from '../../src/testing/index.ts'
import { flood, type FloodReport } from '../integration/flood.ts'

const { values } = parseArgs({
  options: { virtual: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
})

function run(): Promise<FloodReport> {
  const size = { requests: 10_000, delayMs: 1_000 }
  if (!values.virtual) return flood({ ...size, clock: systemClock })
  const clock = new VirtualClock()
  return flood({ ...size, clock, pass: () => clock.advance(60_000) })
}

const report = await run()
const { requests, heard, answered, reasons, begun, ledger, scraped, residentGrowthMb, durationMs } = report
const { completed = 0, shed = 0 } = heard

/** What is demanded, what came of it, and whether that will do. */
const demands: readonly (readonly [demand: string, figure: string, met: boolean])[] = [
  ['every caller hears an outcome', JSON.stringify(heard), sum(heard) === requests],
  ['completed + shed = requests', `${completed} + ${shed} = ${completed + shed}`, completed + shed === requests],
  ['completed ≥ 500', String(completed), completed >= 500],
  ['every completed answer was read', String(answered), answered === completed],
  ['none is shed once it is let in', JSON.stringify(reasons), (reasons['door'] ?? 0) === shed && begun === completed],
  ['the ledger says the same', JSON.stringify(ledger), ledger.completed === completed && ledger.shed === shed],
  [
    '/metrics says the same',
    JSON.stringify(scraped),
    scraped.completed === completed && scraped.shed === shed && scraped.inFlight === 0,
  ],
  ['resident memory grows by ≤ 50 MB', `${residentGrowthMb} MB`, residentGrowthMb <= 50],
]

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, value) => total + value, 0)
}

if (values.json) console.log(JSON.stringify(report))
else {
  console.log(`${requests} requests at once, over after ${durationMs} ms${values.virtual ? ' of virtual time' : ''}\n`)
  for (const [demand, figure, met] of demands) console.log(`${met ? 'yes' : 'NO '}  ${demand.padEnd(34)}${figure}`)
}
if (!demands.every(([, , met]) => met)) process.exitCode = 1
