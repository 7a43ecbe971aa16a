import { checkInteger, show } from './options.ts'

/** How much may pass: in any window of W milliseconds at most `burst + rate · W / perMs`. */
export interface RateLimit {
  /** Items (or, with weights, units) for each `perMs` in the long run, 1 …. */
  readonly rate: number
  /** Milliseconds that `rate` refers to, 1 …; default 1,000. */
  readonly perMs?: number
  /** Items (or units) that may pass at once after a pause, 1 …; default 1, which spaces them evenly. */
  readonly burst?: number
}

/**
 * The generic cell rate algorithm: a rate limit whose whole state is two numbers. It reads no clock and sets no
 * timer: the time is given to it, in milliseconds from any origin, and must not go back.
 *
 * The two numbers are when the present busy period began and how much has passed since, so that nothing is
 * summed up but weights: with whole ones the limit is exact however long it goes on.
 *
 * @example
 * ```ts
 * const limit = new Gcra({ rate: 10, perMs: 1000, burst: 20 })
 * const retryAfterMs = limit.take(clock.now())
 * if (retryAfterMs > 0) response.setHeader('retry-after', Math.ceil(retryAfterMs / 1000))
 * ```
 *
 * @throws RangeError or TypeError that names the option, its value and the allowed range.
 * @see ITU-T Recommendation I.371, and the ATM Forum's Traffic Management Specification 4.0, section 4.4: "GCRA"
 * @see B. Leach: Rate Limiting, Cells, and GCRA, https://brandur.org/rate-limiting
 */
export class Gcra {
  private readonly rate: number
  private readonly perMs: number
  private readonly burst: number
  /** When the present busy period began. */
  private since = -Infinity
  /** What has passed since. */
  private units = 0

  constructor(limit: RateLimit) {
    this.rate = checkInteger('rate', limit.rate, { min: 1 })
    this.perMs = checkInteger('perMs', limit.perMs ?? 1000, { min: 1 })
    this.burst = checkInteger('burst', limit.burst ?? 1, { min: 1 })
  }

  /**
   * Lets something pass, if it conforms to the limit now.
   *
   * @param now Milliseconds.
   * @param weight How much passes, more than 0; default 1.
   * @returns 0 when it passes. Otherwise nothing has changed, and it is the whole milliseconds after which it
   * would pass; `Infinity` for what is heavier than the burst.
   * @throws RangeError for a weight that is none: it would pass every limit.
   */
  take(now: number, weight: number = 1): number {
    if (!(weight > 0)) throw new RangeError(`weight must be a number above 0, got ${show(weight)}`)
    const retryAfterMs = this.retryAfterMs(now, weight)
    if (retryAfterMs > 0) return retryAfterMs
    if (this.isIdle(now)) {
      this.since = now
      this.units = 0
    }
    this.units += weight
    return 0
  }

  /** What `take` would return, without taking; `ahead` is what passes before it. */
  retryAfterMs(now: number, weight: number, ahead: number = 0): number {
    const at = this.passesAt(weight, ahead)
    if (at <= now) return 0
    const waitMs = Math.ceil(at - now)
    // The difference, and the sum that the caller will make of it, are rounded.
    return now + waitMs < at ? waitMs + 1 : waitMs
  }

  /** The first time at which something conforms, if `ahead` passes before it; `-Infinity` when it always did. */
  passesAt(weight: number, ahead: number = 0): number {
    if (weight > this.burst) return Infinity
    const excess = this.units + ahead + weight - this.burst
    if (excess <= 0) return -Infinity
    return this.since + (excess * this.perMs) / this.rate
  }

  /** Whether it is as if nothing had ever passed. */
  isIdle(now: number): boolean {
    return (now - this.since) * this.rate >= this.units * this.perMs
  }
}
