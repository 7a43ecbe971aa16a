import fc from 'fast-check'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../src/testing/index.ts'
import { runProgram } from '../package/run-program.ts'
import { type CrashOptions, crashUnderLoad, faultsOf } from './crash-under-load.ts'

const script = fileURLToPath(new URL('../bench/crash.ts', import.meta.url))

/** Time enough for every request, every run and every restart. */
function virtual(options: Omit<CrashOptions, 'clock' | 'pass'>): CrashOptions {
  const clock = new VirtualClock()
  return { ...options, clock, pass: () => clock.advance(options.requests * (options.everyMs + options.workMs + 50)) }
}

describe('a stage that crashes under load', () => {
  test('is restarted, and what waits or runs beside the crash survives', async () => {
    const options = virtual({
      requests: 400,
      everyMs: 1,
      workMs: 3,
      crashesLate: new Set([30, 200]),
      crashesAtOnce: new Set([120, 399]),
    })
    const report = await crashUnderLoad(options)

    expect(faultsOf(report, options)).toEqual([])
    expect(report).toMatchObject({ restarts: 4, crashes: 4 })
    expect(report.ledger).toMatchObject({ submitted: 400, completed: 396, failed: 4, inFlight: 0 })
    // 50 ms of backoff at a request each millisecond.
    expect(report.waitedWhileDown).toBeGreaterThanOrEqual(50)
    // Each of the first three crashes found others at work, which were run again and to their end.
    expect(report.runs.filter((runs) => runs === 2).length).toBeGreaterThanOrEqual(3)
  })

  test('whatever crashes it and when, every caller hears one outcome and the ledger balances', async () => {
    const ids = fc.uniqueArray(fc.nat(79), { maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(ids, ids, fc.nat(8), fc.integer({ min: 1, max: 8 }), async (late, atOnce, everyMs, workMs) => {
        const options = virtual({
          requests: 80,
          everyMs,
          workMs,
          crashesLate: new Set(late),
          crashesAtOnce: new Set(atOnce),
        })
        expect(faultsOf(await crashUnderLoad(options), options)).toEqual([])
      }),
      { numRuns: 40 },
    )
  })

  test('does not end the process', async () => {
    const { exitCode, stdout, output } = await runProgram(process.execPath, ['--conditions=source', script], {
      cwd: process.cwd(),
      guardMs: 60_000,
    })
    expect(exitCode, output).toBe(0)
    expect(stdout).toContain('396 completed, 4 failed')
  })
})
