import * as fc from 'fast-check'
import type { ChannelLimits } from '../../../operators/index.ts'

/** A change of how much may wait and run while there is traffic. */
export function limitChanges(): fc.Arbitrary<ChannelLimits> {
  return fc.oneof(
    fc.record({ capacity: fc.integer({ min: 0, max: 4 }) }),
    fc.record({ concurrency: fc.integer({ min: 1, max: 3 }) }),
  )
}
