import { expect, test } from 'vitest'
import { type Distribution, drawFrom } from '../../../src/simulation/distribution.ts'
import { seededSources } from '../../../src/simulation/seeded-random.ts'

function sorted(distribution: Distribution, count = 40_000): readonly number[] {
  const draw = drawFrom('service', distribution, seededSources(7)())
  return Array.from({ length: count }, () => draw()).sort((a, b) => a - b)
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value) / values.length
}

function quantile(values: readonly number[], share: number): number {
  return values[Math.floor(share * values.length)] as number
}

test('a number is a constant time, as is the kind that says so', () => {
  expect(sorted(12.5, 3)).toEqual([12.5, 12.5, 12.5])
  expect(sorted({ kind: 'constant', ms: 3 }, 2)).toEqual([3, 3])
})

test('exponential times have the mean, and its logarithm of two as their median', () => {
  const values = sorted({ kind: 'exponential', meanMs: 20 })
  expect(mean(values)).toBeCloseTo(20, 0)
  expect(quantile(values, 0.5)).toBeCloseTo(20 * Math.LN2, 0)
})

test('log-normal times have the median and the 99th percentile that are given', () => {
  const values = sorted({ kind: 'log-normal', medianMs: 100, p99Ms: 900 })
  expect(quantile(values, 0.5) / 100).toBeCloseTo(1, 1)
  expect(quantile(values, 0.99) / 900).toBeCloseTo(1, 1)
})

test('Pareto times are never less than the least, and exceed x with a chance of (least / x) ** shape', () => {
  const values = sorted({ kind: 'pareto', minMs: 10, shape: 1.5 })
  expect(values[0]).toBeGreaterThanOrEqual(10)
  expect(values.filter((value) => value > 40).length / values.length).toBeCloseTo((10 / 40) ** 1.5, 2)
})

test('empirical times fall into the buckets as often as the histogram says, and have the mean that it says', () => {
  const boundsMs = [1, 10, 100]
  const values = sorted({ kind: 'empirical', boundsMs, counts: [100, 300, 500, 100] })
  const shareUpTo = (bound: number): number => values.filter((value) => value <= bound).length / values.length
  expect(boundsMs.map(shareUpTo)).toEqual([expect.closeTo(0.1, 1), expect.closeTo(0.4, 1), expect.closeTo(0.9, 1)])
  expect(values[0]).toBeGreaterThanOrEqual(0.5)
  expect(values.at(-1)).toBeLessThanOrEqual(200)
  const scaled = sorted({ kind: 'empirical', boundsMs, counts: [100, 300, 500, 100], meanMs: 33 })
  expect(mean(scaled)).toBeCloseTo(33, 0)
})

test('the same seed gives the same, and what one draws changes nothing for another', () => {
  const draws = (seed: number, before: number): readonly number[] => {
    const source = seededSources(seed)
    const first = source()
    for (let drawn = 0; drawn < before; drawn++) first()
    const second = source()
    return Array.from({ length: 5 }, () => second())
  }
  expect(draws(1, 0)).toEqual(draws(1, 1_000))
  expect(draws(1, 0)).not.toEqual(draws(2, 0))
  const source = seededSources(1)
  expect(source()()).not.toBe(source()())
})

const wrong: readonly (readonly [unknown, string])[] = [
  [-1, 'service must be a number from 0'],
  [NaN, 'service must be a number from 0'],
  ['10', 'service must be a number of milliseconds or a distribution, got "10"'],
  [null, 'service must be a number of milliseconds or a distribution, got null'],
  [{ meanMs: 1 }, 'service.kind must be one of "constant", "exponential", "log-normal", "pareto", "empirical"'],
  [{ kind: 'normal' }, 'service.kind must be one of'],
  [{ kind: 'exponential' }, 'service.meanMs must be a number above 0'],
  [{ kind: 'exponential', meanMs: 0 }, 'service.meanMs must be a number above 0'],
  [{ kind: 'exponential', meanMs: 1, medianMs: 1 }, 'service: unknown option "medianMs"; known are kind, meanMs'],
  [{ kind: 'log-normal', medianMs: 10, p99Ms: 9 }, 'service.p99Ms must be a number from 10'],
  [{ kind: 'pareto', minMs: 10, shape: 0 }, 'service.shape must be a number above 0'],
  [{ kind: 'empirical', boundsMs: [], counts: [1] }, 'service.boundsMs must not be empty'],
  [{ kind: 'empirical', boundsMs: [1, 1], counts: [1, 1, 1] }, 'service.boundsMs[1] must be more than 1, got 1'],
  [{ kind: 'empirical', boundsMs: [1, 2], counts: [1, 1] }, 'service.counts must be 3 numbers'],
  [{ kind: 'empirical', boundsMs: [1], counts: [0, 0] }, 'service.counts must not all be 0'],
  [{ kind: 'empirical', boundsMs: [1], counts: [0, -1] }, 'service.counts[1] must be a number from 0'],
  [{ kind: 'empirical', boundsMs: 1, counts: [0, 1] }, 'service.boundsMs must be an array, got 1'],
]

test.for(wrong)('%j is refused', ([distribution, message]) => {
  expect(() => drawFrom('service', distribution as Distribution, Math.random)).toThrow(message)
})
