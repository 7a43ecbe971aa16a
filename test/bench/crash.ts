/**
 * Crashes a stage four times under a load of 400 requests, in real time, and prints how it went; the exit code
 * says whether everything was as it must be.
 */
import { systemClock } from '../../operators/index.ts'
import { type CrashOptions, crashUnderLoad, faultsOf } from '../integration/crash-under-load.ts'

const options: CrashOptions = {
  requests: 400,
  everyMs: 1,
  workMs: 3,
  // So far apart that none is among those that an earlier crash has put back.
  crashesLate: new Set([30, 200]),
  crashesAtOnce: new Set([120, 399]),
  clock: systemClock,
}
const report = await crashUnderLoad(options)
const { ledger, restarts, waitedWhileDown, runs } = report
console.log(`${ledger.submitted} submitted, ${ledger.completed} completed, ${ledger.failed} failed`)
console.log(`${restarts} restarts; ${waitedWhileDown} waited while the stage was down, none was lost`)
console.log(`${runs.filter((count) => count === 2).length} were at work beside a crash and were run again`)
const faults = faultsOf(report, options)
for (const fault of faults) console.error(fault)
if (faults.length > 0) process.exitCode = 1
