import { expect, test } from 'vitest'
import { type Arrivals, arrivalTimes } from '../../../src/simulation/arrivals.ts'
import { seededSources } from '../../../src/simulation/seeded-random.ts'

function timesOf(arrivals: Arrivals, untilMs: number): readonly number[] {
  const next = arrivalTimes('arrivals', arrivals, seededSources(3)())
  const times: number[] = []
  for (let at = next(); at < untilMs; at = next()) times.push(at)
  return times
}

function perSecond(times: readonly number[], untilMs: number): number {
  return (times.length / untilMs) * 1_000
}

/** The variance of the counts of a second, by their mean: 1 where arrivals are independent. */
function dispersion(times: readonly number[], untilMs: number): number {
  const counts = new Array<number>(Math.floor(untilMs / 1_000)).fill(0)
  for (const at of times) {
    const second = Math.floor(at / 1_000)
    counts[second] = (counts[second] ?? 0) + 1
  }
  const mean = times.length / counts.length
  return counts.reduce((sum, count) => sum + (count - mean) ** 2, 0) / counts.length / mean
}

test('Poisson arrivals have their rate and are independent', () => {
  const times = timesOf({ kind: 'poisson', perSecond: 50 }, 1_000_000)
  expect(perSecond(times, 1_000_000)).toBeCloseTo(50, 0)
  expect(dispersion(times, 1_000_000)).toBeCloseTo(1, 0)
})

test('constant arrivals are as far from one another as their rate says, also after long', () => {
  const times = timesOf({ kind: 'constant', perSecond: 3 }, 1_000_000)
  expect(times.slice(0, 3)).toEqual([1_000 / 3, 2_000 / 3, 1_000])
  expect(times[2_998]).toBe((2_999 * 1_000) / 3)
})

test('bursts have their size on average, and all together their rate', () => {
  const times = timesOf({ kind: 'bursty', perSecond: 50, burst: 5 }, 1_000_000)
  expect(perSecond(times, 1_000_000)).toBeCloseTo(50, -1)
  expect(times.length / new Set(times).size).toBeCloseTo(5, 0)
  expect(dispersion(times, 1_000_000)).toBeGreaterThan(5)
})

test('what goes on and off comes only while on', () => {
  const times = timesOf({ kind: 'on-off', perSecond: 100, onMs: 2_000, offMs: 6_000 }, 4_000_000)
  expect(perSecond(times, 4_000_000)).toBeCloseTo(25, -1)
  expect(dispersion(times, 4_000_000)).toBeGreaterThan(20)
  const gaps = times.slice(1).map((at, index) => at - (times[index] as number))
  // In ten of the shortest gaps nothing comes: it is off then.
  expect(gaps.filter((gap) => gap > 1_000).length).toBeGreaterThan(300)
})

test('a trace is followed to its end', () => {
  const next = arrivalTimes('arrivals', { kind: 'trace', atMs: [0, 5, 5, 7.5] }, Math.random)
  expect(Array.from({ length: 6 }, () => next())).toEqual([0, 5, 5, 7.5, Infinity, Infinity])
})

const wrong: readonly (readonly [unknown, string])[] = [
  [undefined, 'arrivals must be an object with a kind, got undefined'],
  [{ kind: 'flood' }, 'arrivals.kind must be one of "poisson", "constant", "bursty", "on-off", "trace", got "flood"'],
  [{ kind: 'poisson' }, 'arrivals.perSecond must be a number above 0'],
  [{ kind: 'poisson', perSecond: 0 }, 'arrivals.perSecond must be a number above 0'],
  [{ kind: 'poisson', perSecond: 1, burst: 2 }, 'arrivals: unknown option "burst"'],
  [{ kind: 'bursty', perSecond: 1, burst: 0.5 }, 'arrivals.burst must be a number from 1'],
  [{ kind: 'on-off', perSecond: 1, onMs: 1 }, 'arrivals.offMs must be a number above 0'],
  [{ kind: 'trace', atMs: 3 }, 'arrivals.atMs must be an array, got 3'],
  [{ kind: 'trace', atMs: [3, 2] }, 'arrivals.atMs[1] must be a number from 3'],
]

test.for(wrong)('%j is refused', ([arrivals, message]) => {
  expect(() => arrivalTimes('arrivals', arrivals as Arrivals, Math.random)).toThrow(message)
})
