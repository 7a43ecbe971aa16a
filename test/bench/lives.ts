/**
 * Puts 50,000 requests through pipelines of five stages that crash, are swapped, paused and drained at random, in
 * virtual time, for each strategy; then restarts one stage 1,200 times. Prints what came of it; the exit code says
 * whether everything was as it must be. `--requests N`, 100 … 10,000,000; `--seed N`; `--json`.
 */
import { parseArgs } from 'node:util'
import { checkInteger } from '../../operators/index.ts'
import { heapGrowthOverRestarts, type LivesReport, LivesUnderLoad } from '../integration/lives-under-load.ts'

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '50000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    json: { type: 'boolean', default: false },
  },
})
const whole = (option: '--requests' | '--seed', given: string, range: object): number =>
  checkInteger(option, /^\d+$/.test(given) ? Number(given) : given, range)
const requests = whole('--requests', values.requests, { min: 100, max: 10_000_000 })
const seed = whole('--seed', values.seed, { max: 2 ** 32 - 1 })

const reports: LivesReport[] = []
for (const strategy of ['one-for-one', 'rest-for-one', 'one-for-all'] as const) {
  reports.push(await new LivesUnderLoad(strategy, requests, seed).run())
}
const heapGrowthMb = await heapGrowthOverRestarts()

if (values.json) console.log(JSON.stringify({ reports, heapGrowthMb }))
else {
  console.log(`seed ${seed}`)
  for (const { strategy, outcomes, pipelines, crashes, restarts, swaps, samples, faults, ...report } of reports) {
    const ends = Object.entries(outcomes).map(([kind, count]) => `${count} ${kind}`)
    console.log(`${strategy}: ${report.requests} requests, ${ends.join(', ')}`)
    console.log(`  ${pipelines} pipelines, ${crashes} crashes, ${restarts} restarts, ${swaps} swaps, ${samples} looks`)
    for (const fault of faults) console.log(`  FAULT ${fault}`)
  }
  console.log(`1,000 restarts of a stage: heap grown by ${heapGrowthMb} MB`)
}
if (reports.some(({ faults }) => faults.length > 0) || heapGrowthMb > 1) process.exitCode = 1
