import fc from 'fast-check'
import { expect, test } from 'vitest'
import { pipeline } from '../../../src/index.ts'
import { parseGoal } from '../../../src/simulation/goal.ts'
import type { Scenario } from '../../../src/simulation/scenario.ts'
import { simulate } from '../../../src/simulation/simulate.ts'
import { cheapest, sweep, type SweepRow, type SweepSetting } from '../../../src/simulation/sweep.ts'

type Name = 'first' | 'second'

const two = pipeline<object>('two')
  .stage('first', (job) => job, { capacity: 4, concurrency: 2 })
  .stage('second', (job) => job, { capacity: 3, concurrency: 1 })

const overloaded = {
  arrivals: { kind: 'poisson', perSecond: 400 },
  service: { first: { kind: 'exponential', meanMs: 4 }, second: { kind: 'exponential', meanMs: 5 } },
  durationMs: 5_000,
} as const satisfies Scenario<object, Name>

const setting = (stage: Name, limit: 'capacity' | 'concurrency', values: readonly number[]): SweepSetting<Name> => ({
  ...{ stage, limit, values },
})

test('all combinations are tried, and each gives what it gives alone', async () => {
  const rows = await sweep(two, { ...overloaded, stages: { first: { capacity: 9 }, second: { capacity: 7 } } }, [
    setting('second', 'concurrency', [1, 2]),
    setting('second', 'capacity', [3, 30]),
  ])
  expect(rows.map(({ tried }) => tried)).toEqual([
    { second: { concurrency: 1, capacity: 3 } },
    { second: { concurrency: 1, capacity: 30 } },
    { second: { concurrency: 2, capacity: 3 } },
    { second: { concurrency: 2, capacity: 30 } },
  ])
  for (const { tried, report } of rows) {
    const { timeline: _, ...alone } = await simulate(two, {
      ...overloaded,
      stages: { ...tried, first: { capacity: 9 } },
    })
    expect(report).toEqual(alone)
  }
})

test('all meet the same arrivals, and one slot more never means more that is shed', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 1_000 }), fc.integer(), async (perSecond, seed) => {
      const scenario = { ...overloaded, arrivals: { kind: 'constant', perSecond }, durationMs: 1_000, seed } as const
      const constant = { ...scenario, service: { first: 4, second: 5 } }
      const rows = await sweep(two, constant, [setting('second', 'concurrency', [1, 2, 3, 4])])
      expect(new Set(rows.map(({ report }) => report.requests.submitted)).size).toBe(1)
      const shed = rows.map(({ report }) => report.requests.shed)
      expect(shed).toEqual([...shed].sort((one, other) => other - one))
    }),
    { numRuns: 20 },
  )
})

test('no setting is one simulation', async () => {
  const rows = await sweep(two, overloaded, [])
  expect(rows.map(({ tried }) => tried)).toEqual([{}])
})

test('progress goes from nothing to all, and a signal ends it', async () => {
  const shares: number[] = []
  const two1s = { ...overloaded, durationMs: 1_000 }
  await sweep(two, two1s, [setting('first', 'capacity', [1, 2])], { onProgress: (share) => shares.push(share) })
  expect(shares).toEqual([...shares].sort((one, other) => one - other))
  expect(shares.at(-1)).toBe(1)
  const reason = new Error('enough')
  const ended = sweep(two, two1s, [setting('first', 'capacity', [1, 2])], { signal: AbortSignal.abort(reason) })
  await expect(ended).rejects.toBe(reason)
})

test.each([
  [[setting('third' as Name, 'capacity', [1])], 'settings[0].stage must be one of "first", "second", got "third"'],
  [
    [setting('first', 'ttlMs' as never, [1])],
    'settings[0].limit must be one of "capacity", "concurrency", got "ttlMs"',
  ],
  [[setting('first', 'capacity', [])], 'settings[0].values must not be empty'],
  [[setting('first', 'concurrency', [1, 0])], 'settings[0].values[1] must be a whole number from 1'],
  [
    [setting('first', 'capacity', [1]), setting('first', 'capacity', [2])],
    'settings[1] must not be first.capacity again',
  ],
  [
    [
      setting(
        'first',
        'capacity',
        Array.from({ length: 501 }, (_, at) => at),
      ),
      setting('second', 'capacity', [1, 2]),
    ],
    'settings must have at most 1000 combinations together, got 1002',
  ],
])('settings are refused: %#', async (settings, message) => {
  await expect(sweep(two, overloaded, settings)).rejects.toThrow(message)
})

const row = (name: string, concurrency: number, capacity: number, p99Ms: number): SweepRow =>
  ({
    tried: { [name]: {} },
    report: {
      stages: [
        { concurrency, capacity },
        { concurrency: 1, capacity: 1 },
      ],
      latency: { count: 1, p99Ms },
    },
  }) as unknown as SweepRow

test('the cheapest has the fewest slots, then the smallest capacity, and meets the goal', () => {
  const rows = [row('slots', 3, 1, 10), row('roomy', 2, 9, 10), row('small', 2, 4, 10), row('slow', 1, 1, 99)]
  expect(cheapest(rows, parseGoal('p99<50ms'))?.tried).toEqual({ small: {} })
  expect(cheapest(rows, parseGoal('p99<100ms'))?.tried).toEqual({ slow: {} })
  expect(cheapest(rows, parseGoal('p99<1ms'))).toBeUndefined()
})
