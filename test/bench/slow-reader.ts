/**
 * Reads an answer of 100 MB at 1 kB a second, for ten seconds, through `spillway serve`, and prints how much the model
 * got rid of and what the server holds; the exit code says whether the model was held.
 */
import { measureSlowReader } from '../integration/slow-reader.ts'

const report = await measureSlowReader({ possibleMb: 100, bytesPerSecond: 1000, durationMs: 10_000, readRest: false })
const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`
console.log(`the client took                   ${report.taken} bytes in 10 s`)
console.log(`had left the model's socket       ${mb(report.sent)} of ${mb(report.possible)}`)
console.log(`the model's socket stood still    after ${report.stoodStillAfterMs} ms`)
const [before, standing, end] = [report.beforeMb, report.standingMb, report.endMb].map(Math.round)
console.log(`resident memory of the server     ${before} MB before, ${standing} MB when it stood, ${end} MB in the end`)
if (report.sent > report.possible / 3) process.exitCode = 1
