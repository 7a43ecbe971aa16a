import * as fc from 'fast-check'
import { roundMs } from './round-ms.ts'

/**
 * The machine's clock leaps. `sleep`: the machine stood still, so that timers fire late. `wall`: somebody set
 * the time, forwards or back; how long things take has nothing to do with that.
 */
export interface ClockJump {
  readonly kind: 'sleep' | 'wall'
  /** Negative: back; only the wall's time goes back. */
  readonly byMs: number
}

/** A leap of the clock. */
export function clockJumps(): fc.Arbitrary<ClockJump> {
  const byMs = roundMs([
    [1, 1],
    [10, 3],
    [100, 2],
    [1000, 1],
  ])
  return fc.oneof(
    fc.record({ kind: fc.constant('sleep' as const), byMs }),
    fc.record({
      kind: fc.constant('wall' as const),
      byMs: fc.oneof(
        byMs,
        byMs.map((ms) => -ms),
      ),
    }),
  )
}
