import type { Clock, TimerHandle } from '../../operators/index.ts'

/** A clock that counts the timers set by way of it. */
export class CountingClock implements Clock {
  private readonly clock: Clock
  private readonly live = new Set<TimerHandle>()

  constructor(clock: Clock) {
    this.clock = clock
  }

  get pending(): number {
    return this.live.size
  }

  now(): number {
    return this.clock.now()
  }

  wallTime(): number {
    return this.clock.wallTime()
  }

  setTimeout(fn: () => void, ms: number): TimerHandle {
    const handle = this.clock.setTimeout(() => {
      this.live.delete(handle)
      fn()
    }, ms)
    this.live.add(handle)
    return handle
  }

  clearTimeout(handle: TimerHandle): void {
    this.live.delete(handle)
    this.clock.clearTimeout(handle)
  }
}
