import { checkFunction, checkKeys, checkNumber, checkOneOf } from './options.ts'
import { type RandomSource, systemRandom } from './random.ts'

/** How the delays grow. */
export interface BackoffOptions {
  /** The ceiling of the first delay; default 100 ms. */
  readonly initialMs?: number
  /** The ceiling of all delays; default 30,000 ms. */
  readonly maxMs?: number
  /** What each failure multiplies the ceiling by, 1 …; default 2. */
  readonly factor?: number
  /**
   * How much of the ceiling is left to chance: half of it (`'equal'`, the default), which leaves time to recover for
   * certain, or all of it (`'full'`), which spreads many that failed together the furthest.
   */
  readonly jitter?: 'equal' | 'full'
  /** Default the platform's. */
  readonly random?: RandomSource
}

/** The delay before the `attempt`-th try again, counted from 1, in milliseconds. */
export type Backoff = (attempt: number) => number

/**
 * Exponential backoff with jitter, so that what failed together does not come back together.
 *
 * @example
 * ```ts
 * const backoff = exponentialBackoff({ initialMs: 200, maxMs: 10_000 })
 * backoff(1) // from 100 to 200
 * backoff(3) // from 400 to 800
 * ```
 *
 * @throws RangeError or TypeError that names the option, its value and the allowed range.
 * @see M. Brooker: Exponential Backoff and Jitter, AWS Architecture Blog, 2015
 */
export function exponentialBackoff(options: BackoffOptions = {}): Backoff {
  checkKeys('backoff', options, ['initialMs', 'maxMs', 'factor', 'jitter', 'random'])
  const initialMs = checkNumber('initialMs', options.initialMs ?? 100)
  const maxMs = checkNumber('maxMs', options.maxMs ?? 30_000, { min: initialMs })
  const factor = checkNumber('factor', options.factor ?? 2, { min: 1 })
  const certain = checkOneOf('jitter', options.jitter ?? 'equal', ['equal', 'full']) === 'equal' ? 0.5 : 0
  const random = checkFunction('random', options.random ?? systemRandom)
  return (attempt) => {
    const ceiling = Math.min(maxMs, initialMs * factor ** (attempt - 1))
    return ceiling * (certain + (1 - certain) * random())
  }
}
