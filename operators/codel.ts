import { checkNumber } from './options.ts'

/** When waiting has become too long. */
export interface CodelOptions {
  /** How long items may wait in passing, in milliseconds, more than 0: of what burst came, some wait less. */
  readonly targetMs: number
  /** How long all must have waited longer before any is shed, in milliseconds; default 20 × `targetMs`, at least 100. */
  readonly intervalMs?: number
}

/**
 * Controlled delay: a queue is overloaded when even the item that waited least in a whole interval waited longer than
 * the target. A burst that drains is not. While it is overloaded, what has waited longer than twice the target is shed
 * as it would start; so what starts is fresh, however long the queue is. It reads no clock: the time is given to it.
 *
 * @throws RangeError or TypeError that names the option, its value and the allowed range.
 * @see K. Nichols, V. Jacobson: Controlling Queue Delay, ACM Queue 10(5), 2012
 * @see B. Maurer: Fail at Scale, ACM Queue 13(8), 2015, and folly/executors/Codel.h, which shed by twice the target in
 * place of dropping ever more often
 */
export class Codel {
  private readonly targetMs: number
  private readonly intervalMs: number
  private intervalEnd = -Infinity
  private leastMs = 0
  private overloaded = false

  /** @param of What an option is called, for the errors; default its own name. */
  constructor({ targetMs, intervalMs }: CodelOptions, of: (option: string) => string = (option) => option) {
    this.targetMs = checkNumber(of('targetMs'), targetMs, { min: Number.MIN_VALUE })
    this.intervalMs = checkNumber(of('intervalMs'), intervalMs ?? Math.max(100, 20 * targetMs), {
      min: Number.MIN_VALUE,
    })
  }

  /** Told of each item that is about to start, and whether it is to be shed instead. */
  sheds(waitedMs: number, now: number): boolean {
    if (now >= this.intervalEnd) {
      this.overloaded = this.leastMs > this.targetMs
      this.intervalEnd = now + this.intervalMs
      // The first of an interval only begins it.
      this.leastMs = waitedMs
      return false
    }
    if (waitedMs < this.leastMs) this.leastMs = waitedMs
    return this.overloaded && waitedMs > 2 * this.targetMs
  }
}
