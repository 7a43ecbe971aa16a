import type { Clock, TimerHandle } from './clock.ts'

/** One timer for all that expires, set for the first of it, and none while nothing does. */
export class ExpiryTimer {
  private readonly clock: Clock
  private readonly onDue: () => void
  private handle: TimerHandle

  constructor(clock: Clock, onDue: () => void) {
    this.clock = clock
    this.onDue = onDue
  }

  /** Told when the first now expires, `Infinity` when nothing does. A timer that is too early is let be. */
  watch(nextExpiry: number): void {
    if (nextExpiry === Infinity) {
      if (this.handle !== undefined) this.clock.clearTimeout(this.handle)
      this.handle = undefined
      return
    }
    this.handle ??= this.clock.setTimeout(() => {
      this.handle = undefined
      this.onDue()
    }, nextExpiry - this.clock.now())
  }
}
