import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { VirtualClock } from '../../src/testing/index.ts'
import { runProgram } from '../package/run-program.ts'
import { flood, type FloodReport } from './flood.ts'

const script = fileURLToPath(new URL('../bench/flood.ts', import.meta.url))

test('every one of 10,000 callers at once hears an outcome, and nothing is shed once it is let in', async () => {
  const clock = new VirtualClock()
  const report = await flood({ requests: 10_000, delayMs: 1_000, clock, pass: () => clock.advance(60_000) })

  const { completed = 0, shed = 0, ...others } = report.heard
  expect(others).toEqual({})
  expect(completed + shed).toBe(10_000)
  expect(completed).toBeGreaterThanOrEqual(500)
  expect(report.answered).toBe(completed)
  expect(report.reasons).toEqual({ door: shed })
  // No work was begun for a request that was turned away.
  expect(report.begun).toBe(completed)
  expect(report.ledger).toEqual({
    submitted: 10_000,
    completed,
    shed,
    failed: 0,
    expired: 0,
    cancelled: 0,
    inFlight: 0,
  })
  expect(report.scraped).toEqual({ completed, shed, inFlight: 0 })
})

test('the memory that the process holds grows by 50 MB at the most', async () => {
  // In a process of its own, where nothing but the flood makes it grow.
  const { exitCode, stdout, output } = await runProgram(
    process.execPath,
    // As `npm start` runs the server.
    ['--max-semi-space-size=8', '--conditions=source', script, '--virtual', '--json'],
    { cwd: process.cwd(), guardMs: 60_000 },
  )
  expect(exitCode, output).toBe(0)
  const { residentGrowthMb, heard } = JSON.parse(stdout) as FloodReport
  expect(residentGrowthMb).toBeLessThanOrEqual(50)
  expect(heard['completed']).toBeGreaterThanOrEqual(500)
})
