import { describe, expect, test } from 'vitest'
import { checkInvariants, type InvariantName, operator, type OperatorLimits } from '../../../src/testing/index.ts'
import { failureOf } from './failure-of.ts'
import { type Bug, plantedBuffer } from './planted-buffer.ts'
import { whateverSeed } from './whatever-seed.ts'

/** Bugs, how many items show one at the most, and which promises it breaks. */
const planted: readonly (readonly [Bug, number, readonly InvariantName[]])[] = [
  ['sheds one too early', 2, ['Sheds exactly when it must']],
  ['sheds one too late', 3, ['Sheds exactly when it must']],
  ['evicts an accepted item', 3, ['Sheds exactly when it must']],
  ['loses an item on synchronous completion', 1, ['Conservation']],
  ['leaks a slot when an inner throws synchronously', 2, ['Work-conserving']],
  ['emits after unsubscribe', 2, ['Unsubscribe', 'The end']],
  ['miscounts a cancelled item', 1, ['Conservation']],
  ['lets a settled item keep its place', 4, ['Sheds exactly when it must']],
  ['starts the newest first', 3, ['Order']],
  ['starts one too many', 2, ['Bounds']],
  ['completes before what waits has run', 1, ['The end']],
  ['never completes', 0, ['The end']],
  ['leaves a timer', 2, ['Unsubscribe']],
  ['starts what has expired', 4, ['Sheds exactly when it must']],
]

// The newest of two that wait may start first.
const limitsFor = (bug?: Bug): OperatorLimits => ({
  capacity: bug === 'starts the newest first' ? 2 : 1,
  ttlMs: 20,
  onSourceError: 'immediate',
})

describe('a bounded buffer', () => {
  test.each(planted)('that %s is caught, whatever the seed, with %i items at the most', async (bug, most, broken) => {
    const subject = operator((parts) => plantedBuffer(parts, bug), limitsFor(bug))
    await whateverSeed(10, async (seed) => {
      const error = await failureOf(subject, { runs: 2_000, seed })
      expect(broken, error.message).toContain(error.invariant)
      expect(error.scenario.match(/item \d+ arrives/g)?.length ?? 0, error.message).toBeLessThanOrEqual(most)
      expect(error.timeline.match(/^>.*$/gm), error.message).toHaveLength(1)
      // Seed and path play the very same scenario again.
      const again = await failureOf(subject, { seed, path: error.path })
      expect(again.timeline).toBe(error.timeline)
    })
  })

  test('without a bug passes', async () => {
    await checkInvariants(
      operator((parts) => plantedBuffer(parts), limitsFor()),
      { runs: 500 },
    )
  })
})
