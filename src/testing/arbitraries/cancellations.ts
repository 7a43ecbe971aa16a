import type * as fc from 'fast-check'
import { rarely } from './rarely.ts'
import { roundMs } from './round-ms.ts'

/** When a caller no longer wants what it asked for, in milliseconds after it asked; mostly never (`undefined`). */
export function cancellations(): fc.Arbitrary<number | undefined> {
  return rarely(
    4,
    roundMs([
      [0, 2],
      [1, 1],
      [5, 3],
      [10, 3],
      [20, 2],
      [50, 1],
    ]),
  )
}
