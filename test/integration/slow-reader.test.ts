import { expect, test } from 'vitest'
import { measureSlowReader } from './slow-reader.ts'

test('a client that reads slowly holds the model back, and loses nothing by it', async () => {
  const report = await measureSlowReader({ possibleMb: 40, bytesPerSecond: 1000, durationMs: 2_000, readRest: true })
  // What the kernel's buffers of two connections hold, and a few chunks: the rest has not been sent.
  expect(report.sent).toBeLessThan(report.possible / 2)
  expect(report.complete).toBe(true)
})
