/**
 * Lets 100,000 requests end in each of the ways in which requests end, and prints what the pipeline still holds
 * of them; the exit code says whether it is nothing. `--requests N` lets N end in each way, 1,000 … 10,000,000;
 * `--json` prints the figures as JSON.
 */
import { parseArgs } from 'node:util'
import { checkInteger } from '../../operators/index.ts'
import { endings, measureRetention, type RetentionReport } from '../integration/retention.ts'

const { values } = parseArgs({
  options: { requests: { type: 'string', default: '100000' }, json: { type: 'boolean', default: false } },
})
const given = /^\d+$/.test(values.requests) ? Number(values.requests) : values.requests
const requests = checkInteger('--requests', given, { min: 1_000, max: 10_000_000 })

const reports: RetentionReport[] = []
for (const ending of endings) reports.push(await measureRetention(ending, requests))

if (values.json) console.log(JSON.stringify(reports))
else {
  for (const { ending, requests, kept, watched, heapGrowthMb } of reports) {
    console.log(`${requests} ${ending}: ${kept} of ${watched} watched objects kept, heap grown by ${heapGrowthMb} MB`)
  }
}
if (reports.some(({ kept, heapGrowthMb }) => kept > 0 || heapGrowthMb > 2)) process.exitCode = 1
