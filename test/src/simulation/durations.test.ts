import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Durations } from '../../../src/simulation/durations.ts'

function durationsOf(times: readonly number[]): Durations {
  const durations = new Durations()
  for (const ms of times) durations.record(ms)
  return durations
}

test('the distribution rises from the shortest to the longest, and agrees with the percentiles', () => {
  const ms = fc.double({ min: 0.01, max: 1e6, noNaN: true })
  fc.assert(
    fc.property(fc.array(ms, { minLength: 1, maxLength: 200 }), (times) => {
      const durations = durationsOf(times)
      const { distribution, figures } = durations
      expect(distribution.map(({ share }) => share)).toEqual(
        distribution.map(({ share }) => share).sort((one, other) => one - other),
      )
      expect(distribution.map((point) => point.ms)).toEqual(
        distribution.map((point) => point.ms).sort((one, other) => one - other),
      )
      expect(distribution[0]?.share).toBe(0)
      // To a thousandth of each, and a microsecond.
      expect(Math.abs((distribution[0]?.ms ?? 0) - Math.min(...times))).toBeLessThan(0.001 + Math.min(...times) / 500)
      expect(distribution.at(-1)?.share).toBeCloseTo(0.9999, 9)
      expect(distribution.at(-1)?.ms).toBe(durations.quantileMs(0.9999))
      expect(distribution.at(-1)?.ms).toBeLessThanOrEqual(figures.maxMs)
      for (const { share, ms } of distribution) {
        if (share < 0.5) expect(ms).toBeLessThanOrEqual(figures.p50Ms)
        if (share > 0.99) expect(ms).toBeGreaterThanOrEqual(figures.p99Ms)
      }
    }),
  )
})

test('the tail has as many points as the rest', () => {
  const { distribution } = durationsOf([1, 2, 3])
  const beyond = (share: number): number => distribution.filter((point) => point.share > share).length
  expect(beyond(0.999)).toBe(beyond(0.99) / 2)
  expect(beyond(0.999)).toBeGreaterThanOrEqual(20)
})

test('nothing has no distribution', () => {
  expect(durationsOf([]).distribution).toEqual([])
})
