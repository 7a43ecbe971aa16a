import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type ArrivalPattern,
  arrivals,
  cancellations,
  clockJumps,
  faults,
  keys,
  limitChanges,
  priorities,
  roundMs,
  serviceTimes,
  weights,
} from '../../../src/testing/index.ts'
import { scaled } from '../../effort.ts'

const patterns: readonly ArrivalPattern[] = ['steady', 'bursty', 'on-off', 'heavy-tailed']

/** An arbitrary by name, and what its description promises of each value, shrunk or not. */
interface Promised {
  readonly name: string
  readonly arbitrary: fc.Arbitrary<unknown>
  readonly holds: (value: never) => boolean
}

const isMs = (ms: unknown): boolean => typeof ms === 'number' && Number.isInteger(ms) && ms >= 0
const promised: readonly Promised[] = [
  ...patterns.map((pattern) => ({
    name: `${pattern} arrivals`,
    arbitrary: arrivals({ maxLength: 30, patterns: [pattern] }),
    holds: (times: readonly number[]) =>
      times.length <= 30 && times.every((ms, index) => isMs(ms) && ms >= (times[index - 1] ?? 0)),
  })),
  { name: 'arrivals', arbitrary: arrivals(), holds: (times: readonly number[]) => times.length <= 20 },
  { name: 'service times', arbitrary: serviceTimes(), holds: isMs },
  { name: 'cancellations', arbitrary: cancellations(), holds: (ms: unknown) => ms === undefined || isMs(ms) },
  {
    name: 'faults',
    arbitrary: faults(),
    holds: (fault: unknown) => [undefined, 'throw', 'reject', 'hang', 'crash'].includes(fault as string),
  },
  {
    name: 'faults of two kinds',
    arbitrary: faults(['throw', 'hang'], 2),
    holds: (fault: unknown) => [undefined, 'throw', 'hang'].includes(fault as string),
  },
  {
    name: 'clock jumps',
    arbitrary: clockJumps(),
    // Only the time on the wall goes back.
    holds: ({ kind, byMs }: { kind: string; byMs: number }) =>
      isMs(Math.abs(byMs)) && byMs !== 0 && (kind === 'wall' || (kind === 'sleep' && byMs > 0)),
  },
  { name: 'priorities', arbitrary: priorities(), holds: (priority: number) => [0, 1, 2].includes(priority) },
  { name: 'keys', arbitrary: keys(), holds: (key: unknown) => typeof key === 'string' },
  { name: 'weights', arbitrary: weights(), holds: (weight: number) => Number.isFinite(weight) && weight > 0 },
  {
    name: 'changes of limits',
    arbitrary: limitChanges(),
    holds: ({ capacity = 0, concurrency = 1 }: { capacity?: number; concurrency?: number }) =>
      isMs(capacity) && isMs(concurrency) && concurrency >= 1,
  },
  {
    name: 'round times',
    arbitrary: roundMs([
      [0, 0],
      [10, 3],
      [100, 1],
    ]),
    holds: (ms: number) => [0, 10, 100].includes(ms),
  },
]

/** What is drawn and, as some of it fails, tried to shrink it: the same for the same numbers. */
function tried<T>(arbitrary: fc.Arbitrary<T>, seed: number, every: number): readonly T[] {
  const values: T[] = []
  const property = fc.property(arbitrary, (value) => {
    values.push(value)
    return values.length % every === 0
  })
  fc.check(property, { seed, numRuns: 20 })
  return values
}

/** What is drawn, and nothing that it was shrunk to. */
function drawn<T>(arbitrary: fc.Arbitrary<T>, numRuns = 4_000): readonly T[] {
  return fc.sample(fc.noBias(arbitrary), { numRuns })
}

function share<T>(values: readonly T[], has: (value: T) => boolean): number {
  return values.filter(has).length / values.length
}

function smallest<T>(arbitrary: fc.Arbitrary<T>, fails: (value: T) => boolean): T {
  const { counterexample } = fc.check(
    fc.property(arbitrary, (value) => !fails(value)),
    { numRuns: 10_000 },
  )
  if (counterexample === null) throw new Error('nothing was drawn that fails')
  return counterexample[0]
}

const seeds = fc.noBias(fc.integer())

describe.each(promised)('$name', ({ arbitrary, holds }) => {
  test('are in their range, also as they shrink', () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 2, max: 6 }), (seed, every) =>
        tried(arbitrary, seed, every).every((value) => holds(value as never)),
      ),
      { numRuns: scaled(100) },
    )
  })

  test('are the same for the same seed, also as they shrink, and others for another', () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 2, max: 6 }), (seed, every) => {
        expect(tried(arbitrary, seed, every)).toEqual(tried(arbitrary, seed, every))
      }),
      { numRuns: scaled(50) },
    )
    const sample = (seed: number): readonly unknown[] => fc.sample(arbitrary, { seed, numRuns: 100 })
    expect(sample(1)).not.toEqual(sample(2))
  })
})

describe('arrivals', () => {
  const of = (pattern: ArrivalPattern): fc.Arbitrary<readonly number[]> =>
    arrivals({ maxLength: 100, patterns: [pattern] }).map(gapsOf)
  const gaps = (pattern: ArrivalPattern): readonly number[] => drawn(of(pattern), 400).flat()

  test('that are steady come at one rate', () => {
    for (const same of drawn(of('steady'), 400)) expect(new Set(same).size).toBeLessThanOrEqual(1)
    expect(gaps('steady').every((ms) => ms > 0)).toBe(true)
  })

  test('that are bursty come in one moment, with pauses between', () => {
    expect(share(gaps('bursty'), (ms) => ms === 0)).toBeGreaterThan(0.6)
    expect(share(gaps('bursty'), (ms) => ms >= 5)).toBeGreaterThan(0.1)
  })

  test('that are on and off come close together, with silence between the phases', () => {
    const silence = (ms: number): boolean => ms >= 50
    expect(share(gaps('on-off'), silence)).toBeGreaterThan(0.05)
    expect(share(gaps('on-off'), silence)).toBeLessThan(0.3)
    expect(gaps('on-off').every((ms) => silence(ms) || ms <= 2)).toBe(true)
  })

  test('that are heavy-tailed have few pauses, and these are far longer than the others', () => {
    const heaviness = (pattern: ArrivalPattern): number => {
      const all = gaps(pattern)
      return Math.max(...all) / (all.reduce((sum, ms) => sum + ms, 0) / all.length)
    }
    for (const other of ['steady', 'bursty', 'on-off'] as const) {
      expect(heaviness('heavy-tailed')).toBeGreaterThan(2 * heaviness(other))
    }
    expect(share(gaps('heavy-tailed'), (ms) => ms >= 100)).toBeLessThan(0.1)
  })

  test('are of all four patterns, twenty at the most, where nothing else is asked for', () => {
    const all = drawn(arrivals()).map(gapsOf)
    expect(Math.max(...all.map(({ length }) => length))).toBe(20)
    expect(all.some((some) => some.length > 5 && new Set(some).size === 1)).toBe(true)
    expect(all.some((some) => some.includes(500))).toBe(true)
    expect(all.some((some) => some.filter((ms) => ms === 0).length > 5)).toBe(true)
  })

  test.each(patterns)('that are %s shrink towards all in one moment', (pattern) => {
    const many = smallest(arrivals({ patterns: [pattern] }), ({ length }) => length >= 5)
    expect(many).toEqual([0, 0, 0, 0, 0])
  })
})

function gapsOf(times: readonly number[]): readonly number[] {
  return times.map((ms, index) => ms - (times[index - 1] ?? 0))
}

test('service times are often nothing, mostly little, and now and then very long', () => {
  const times = drawn(serviceTimes())
  expect(share(times, (ms) => ms === 0)).toBeGreaterThan(0.2)
  expect(share(times, (ms) => ms <= 10)).toBeGreaterThan(0.6)
  expect(share(times, (ms) => ms >= 100)).toBeGreaterThan(0.01)
  expect(share(times, (ms) => ms >= 100)).toBeLessThan(0.1)
  expect(smallest(serviceTimes(), (ms) => ms > 2)).toBe(5)
})

test('cancellations are mostly none, and shrink to none', () => {
  expect(share(drawn(cancellations()), (ms) => ms === undefined)).toBeGreaterThan(0.6)
  expect(smallest(cancellations(), () => true)).toBe(undefined)
})

test('faults are rare, as rare as is asked for, of the kinds that are asked for, and shrink to none', () => {
  for (const oneIn of [1, 4, 8]) {
    const some = drawn(faults(undefined, oneIn))
    expect(Math.abs(share(some, (fault) => fault !== undefined) - 1 / oneIn)).toBeLessThan(0.05)
    expect(new Set(some.filter((fault) => fault !== undefined))).toEqual(new Set(['throw', 'reject', 'hang', 'crash']))
  }
  expect(Math.abs(share(drawn(faults()), (fault) => fault !== undefined) - 1 / 4)).toBeLessThan(0.05)
  expect(new Set(drawn(faults([])))).toEqual(new Set([undefined]))
  expect(smallest(faults(undefined, 1), () => true)).toBe(undefined)
})

test('clock jumps are sleeps, and settings of the time forwards and back', () => {
  const jumps = drawn(clockJumps())
  expect(share(jumps, ({ kind }) => kind === 'sleep')).toBeGreaterThan(0.3)
  expect(share(jumps, ({ kind, byMs }) => kind === 'wall' && byMs > 0)).toBeGreaterThan(0.1)
  expect(share(jumps, ({ kind, byMs }) => kind === 'wall' && byMs < 0)).toBeGreaterThan(0.1)
})

test('priorities, weights and keys are as various as they say', () => {
  const ranks = drawn(priorities())
  expect(new Set(ranks)).toEqual(new Set([0, 1, 2]))
  // Oftener than if each were as likely as the others.
  expect(share([...ranks.keys()].slice(1), (index) => ranks[index] === ranks[index - 1])).toBeGreaterThan(1 / 3)
  const units = drawn(weights())
  for (const other of new Set(units)) {
    if (other === 1) continue
    expect(share(units, (weight) => weight === other)).toBeLessThan(share(units, (weight) => weight === 1))
  }
  expect(units.some((weight) => !Number.isInteger(weight))).toBe(true)
  expect(units.some((weight) => weight > 4)).toBe(true)
  const names = drawn(keys())
  expect(new Set(names).size).toBeGreaterThan(2)
  expect(share(names, (name) => name === 'a')).toBeGreaterThan(0.5)
})

test('changes of limits are of the capacity or the concurrency', () => {
  const changes = drawn(limitChanges())
  expect(changes.every((change) => Object.keys(change).length === 1)).toBe(true)
  expect(new Set(changes.flatMap((change) => Object.keys(change)))).toEqual(new Set(['capacity', 'concurrency']))
})

describe('round times', () => {
  test('are drawn by weight, never where it is 0, and shrink to the smallest that will do', () => {
    const some = roundMs([
      [0, 0],
      [1, 0],
      [10, 3],
      [100, 1],
    ])
    const times = drawn(some)
    expect(new Set(times)).toEqual(new Set([10, 100]))
    expect(Math.abs(share(times, (ms) => ms === 10) - 3 / 4)).toBeLessThan(0.05)
    expect(smallest(some, () => true)).toBe(0)
    expect(smallest(some, (ms) => ms > 0)).toBe(1)
    expect(smallest(some, (ms) => ms > 10)).toBe(100)
  })

  test('without a weight above 0 are refused', () => {
    expect(() => roundMs([[5, 0]])).toThrow(RangeError)
  })
})
