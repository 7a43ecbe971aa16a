import { expect, test } from 'vitest'
import { measureDisconnect } from './disconnect.ts'

test('a client that leaves takes its request with it: out of the model, or out of the channel', async () => {
  const report = await measureDisconnect()
  // The model, which would have talked for ever, saw its connection close.
  expect(report.brokenOff).toBe(true)
  expect(report.afterFirst).toEqual({ cancelled: 1, inFlight: 0, running: 0, waiting: 0 })
  // The one that held the slot goes on; the one that waited is gone, and the model never heard of it.
  expect(report.afterSecond).toEqual({ cancelled: 2, inFlight: 1, running: 1, waiting: 0 })
  expect(report.asked).toBe(2)
})
