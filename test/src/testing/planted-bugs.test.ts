import { describe, expect, test } from 'vitest'
import { checkInvariants, type InvariantName, operator, type OperatorLimits } from '../../../src/testing/index.ts'
import { failureOf } from './failure-of.ts'
import { type Bug, plantedBuffer } from './planted-buffer.ts'

const planted: readonly (readonly [Bug, InvariantName])[] = [
  ['sheds one too early', 'Sheds exactly when it must'],
  ['sheds one too late', 'Sheds exactly when it must'],
  ['evicts an accepted item', 'Sheds exactly when it must'],
  ['loses an item on synchronous completion', 'Conservation'],
  ['leaks a slot when an inner throws synchronously', 'Work-conserving'],
  ['emits after unsubscribe', 'Unsubscribe'],
  ['miscounts a cancelled item', 'Conservation'],
  ['lets a settled item keep its place', 'Sheds exactly when it must'],
  ['starts the newest first', 'Order'],
  ['starts one too many', 'Bounds'],
  ['completes before what waits has run', 'The end'],
  ['never completes', 'The end'],
  ['leaves a timer', 'Unsubscribe'],
  ['starts what has expired', 'Sheds exactly when it must'],
]

// The newest of two that wait may start first.
const limitsFor = (bug?: Bug): OperatorLimits => ({
  capacity: bug === 'starts the newest first' ? 2 : 1,
  ttlMs: 20,
  onSourceError: 'immediate',
})

describe('a bounded buffer', () => {
  test.each(planted)('that %s is caught: %s', async (bug, invariant) => {
    const subject = operator((parts) => plantedBuffer(parts, bug), limitsFor(bug))
    const error = await failureOf(subject, { runs: 2_000 })
    expect(error.invariant, error.message).toBe(invariant)
    expect(error.scenario.match(/item \d+ arrives/g)?.length ?? 0, error.message).toBeLessThanOrEqual(4)
    expect(error.timeline.match(/^>.*$/gm), error.message).toHaveLength(1)
    // Seed and path play the very same scenario again.
    const again = await failureOf(subject, { seed: error.seed, path: error.path })
    expect(again.timeline).toBe(error.timeline)
  })

  test('without a bug passes', async () => {
    await checkInvariants(
      operator((parts) => plantedBuffer(parts), limitsFor()),
      { runs: 500 },
    )
  })
})
