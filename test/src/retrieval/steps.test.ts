import fc from 'fast-check'
import { expect, test } from 'vitest'
import { atOnce, inSlices, type Steps } from '../../../src/retrieval/steps.ts'
import { VirtualClock } from '../../../src/testing/index.ts'

/** Work whose steps take so long each, by the clock. */
function* working(clock: { advance: (ms: number) => void }, durations: readonly number[]): Steps<number> {
  for (const ms of durations) {
    clock.advance(ms)
    yield
  }
  return durations.length
}

/** A clock whose time passes only by work; what waits for its turn is counted. */
function workClock(): {
  clock: VirtualClock
  advance: (ms: number) => void
  longest: () => number
  turns: () => number
} {
  const clock = new VirtualClock()
  let [now, turnAt, longest, turns] = [0, 0, 0, 0]
  clock.now = () => now
  clock.setTimeout = (callback) => {
    longest = Math.max(longest, now - turnAt)
    turnAt = now
    turns += 1
    return setImmediate(callback)
  }
  return { clock, advance: (ms) => (now += ms), longest: () => longest, turns: () => turns }
}

test('work in one go and in slices comes to the same', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 10 }), { maxLength: 50 }), async (durations) => {
      expect(atOnce(working({ advance: () => undefined }, durations))).toBe(durations.length)
      const { clock, advance, longest, turns } = workClock()
      expect(await inSlices(working({ advance }, durations), clock)).toBe(durations.length)
      // A slice ends with the first step behind its 15 ms.
      expect(longest()).toBeLessThan(15 + 10)
      expect(turns()).toBeLessThanOrEqual(durations.reduce((sum, ms) => sum + ms, 0) / 15)
    }),
  )
})

test('an error of the work is its error', async () => {
  const failing = function* (): Steps<void> {
    throw new Error('no more')
  }
  expect(() => {
    atOnce(failing())
  }).toThrow('no more')
  await expect(inSlices(failing(), new VirtualClock())).rejects.toThrow('no more')
})
