import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { keyed, type KeyedOptions } from '../../../operators/index.ts'
import {
  checkInvariants,
  type InvariantName,
  type Item,
  operator,
  type OperatorLimits,
  type OperatorSubject,
} from '../../../src/testing/index.ts'
import { scaled } from '../../effort.ts'
import { failureOf } from './failure-of.ts'
import { type KeyedBug, type Lane, plantedKeyed } from './planted-keyed.ts'
import { whateverSeed } from './whatever-seed.ts'

const key = (item: Item): string => item.key

const anyLimits: fc.Arbitrary<OperatorLimits> = fc.record({
  key: fc.constant(key),
  perKeyCapacity: fc.constantFrom(0, 1, 1, 2, 3, Infinity),
  perKeyConcurrency: fc.constantFrom(1, 1, 1, 2, Infinity),
  capacity: fc.constantFrom(0, 1, 2, 4, Infinity, Infinity),
  concurrency: fc.constantFrom(1, 2, 3, Infinity),
  overflow: fc.constantFrom('drop-newest', 'drop-oldest', 'fail'),
  ttlMs: fc.constantFrom(Infinity, Infinity, 1, 10),
  onSourceError: fc.constantFrom('drain', 'immediate'),
})

test('keyed keeps the invariants, of each key and in all', async () => {
  const subject = operator(
    ({ project, limits, clock, onOutcome }) => keyed(project, { ...(limits as KeyedOptions<Item>), clock, onOutcome }),
    anyLimits,
  )
  await checkInvariants(subject, { runs: scaled(2_000) })
})

const limits: OperatorLimits = { key, perKeyCapacity: 2, capacity: Infinity, onSourceError: 'immediate' }

/** One that a check of its own looks into: it may keep no lane of a key of which nothing waits or runs. */
function planted(bug?: KeyedBug): { readonly subject: OperatorSubject; readonly check: () => void } {
  let lanes = new Map<string, Lane>()
  const subject = operator((parts) => plantedKeyed(parts, (lanes = new Map<string, Lane>()), bug), limits)
  const check = (): void => {
    const gone = [...lanes.values()].filter(({ waiting, running }) => waiting.length + running.size === 0)
    if (gone.length > 0) throw new Error(`${gone.length} lanes are kept of keys that are gone`)
  }
  return { subject, check }
}

/** Bugs, how many items show one at the most, and which promise it breaks. */
const bugs: readonly (readonly [KeyedBug, number, InvariantName])[] = [
  ['starts two of one key at once', 2, 'Bounds'],
  ["reverses a key's order", 3, 'Order'],
  ['lets a key wait for another', 2, 'Work-conserving'],
  ['counts what waits of all keys as of one', 5, 'Sheds exactly when it must'],
  ["never frees a key's lane after a failure", 2, 'Work-conserving'],
  ['keeps the lanes of keys that are gone', 1, 'Your own'],
]

describe('an operator with lanes', () => {
  test.each(bugs)(
    'that %s is caught, whatever the seed, with %i items at the most: %s',
    async (bug, most, invariant) => {
      const { subject, check } = planted(bug)
      const grows = invariant === 'Your own'
      await whateverSeed(10, async (seed) => {
        const error = await failureOf(subject, { runs: 2_000, seed, ...(grows && { check }) })
        expect(error.invariant, error.message).toBe(invariant)
        const items = error.scenario.match(/item \d+ \(key [abc]\) arrives/g)?.length ?? 0
        expect(items, error.message).toBeLessThanOrEqual(most)
      })
    },
  )

  test('without a bug passes', async () => {
    const { subject, check } = planted()
    await checkInvariants(subject, { runs: 500, check })
  })
})

test('a claim that keyed would refuse is refused by name', () => {
  const claim = (more: object): void => {
    operator(() => (source) => source, { key, perKeyCapacity: 1, capacity: 1, ...more })
  }
  expect(() => claim({ priority: () => 1 })).toThrow('unknown option "priority"')
  expect(() => claim({ perKeyConcurrency: 0 })).toThrow('perKeyConcurrency')
  expect(() => operator(() => (source) => source, { capacity: 1, perKeyCapacity: 1 })).toThrow('"perKeyCapacity"')
})
