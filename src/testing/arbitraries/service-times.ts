import type * as fc from 'fast-check'
import { roundMs } from './round-ms.ts'

/** How long work takes, in milliseconds: often nothing (0: within the very call), mostly little, now and then very long. */
export function serviceTimes(): fc.Arbitrary<number> {
  return roundMs([
    [0, 8],
    [1, 3],
    [2, 3],
    [5, 4],
    [10, 4],
    [20, 3],
    [50, 1],
    [200, 1],
  ])
}
