import { checkKeys, checkNumber, type RandomSource, systemRandom } from '../operators/index.ts'

/** How the delays grow. */
export interface BackoffOptions {
  /** The ceiling of the first delay; default 100 ms. */
  readonly initialMs?: number
  /** The ceiling of all delays; default 30,000 ms. */
  readonly maxMs?: number
  /** What each failure multiplies the ceiling by, 1 …; default 2. */
  readonly factor?: number
  /** Default the platform's. */
  readonly random?: RandomSource
}

/** The delay before the `attempt`-th try again, counted from 1, in milliseconds. */
export type Backoff = (attempt: number) => number

/**
 * Exponential backoff with equal jitter: half of the ceiling for certain, the other half by chance, so that
 * what failed together does not come back together and yet gets time to recover.
 *
 * @throws RangeError or TypeError that names the option, its value and the allowed range.
 * @see M. Brooker: Exponential Backoff and Jitter, AWS Architecture Blog, 2015
 */
export function exponentialBackoff(options: BackoffOptions = {}): Backoff {
  checkKeys('backoff', options, ['initialMs', 'maxMs', 'factor', 'random'])
  const initialMs = checkNumber('initialMs', options.initialMs ?? 100)
  const maxMs = checkNumber('maxMs', options.maxMs ?? 30_000, { min: initialMs })
  const factor = checkNumber('factor', options.factor ?? 2, { min: 1 })
  const random = options.random ?? systemRandom
  return (attempt) => {
    const ceiling = Math.min(maxMs, initialMs * factor ** (attempt - 1))
    return (ceiling + ceiling * random()) / 2
  }
}
