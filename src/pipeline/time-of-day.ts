import type { Clock } from '../../operators/index.ts'

/** How long what was measured is taken for true, so that not every request asks. */
const measuredForMs = 1_000

/**
 * The time of day at moments of a clock's `now`. How far they are apart is measured now and then: `now` stands still
 * while the machine sleeps, and the time of day may be set.
 */
export class TimeOfDay {
  private readonly clock: Clock
  private offsetMs = 0
  private measuredAt = -Infinity

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** The time since 1970 at a moment, as far as was known at a later one. */
  at(moment: number, now: number): number {
    if (now - this.measuredAt >= measuredForMs) {
      this.measuredAt = this.clock.now()
      this.offsetMs = this.clock.wallTime() - this.measuredAt
    }
    return moment + this.offsetMs
  }
}
