import type { Clock } from '../../operators/index.ts'

const intervalMs = 1000
/** Causes that are told in one line; each may be of one request alone. */
const causesAtMost = 8

/** So many were lost by this cause. */
export interface Loss {
  readonly cause: string
  readonly count: number
}

/** Tells what is lost, by its causes: at once, but at most once a second; what comes meanwhile when that is over. */
export class LossLog {
  private readonly clock: Clock
  private readonly tell: (losses: readonly Loss[]) => void
  private readonly owed = new Map<string, number>()
  private toldAt = -Infinity
  private timer: unknown

  constructor(clock: Clock, tell: (losses: readonly Loss[]) => void) {
    this.clock = clock
    this.tell = tell
  }

  add(cause: string, count: number): void {
    const key = this.owed.has(cause) || this.owed.size < causesAtMost ? cause : 'others'
    this.owed.set(key, (this.owed.get(key) ?? 0) + count)
    if (this.timer !== undefined) return
    const restMs = this.toldAt + intervalMs - this.clock.now()
    if (restMs <= 0) this.flush()
    else {
      this.timer = this.clock.setTimeout(() => {
        this.flush()
      }, restMs)
    }
  }

  /** Tells now what is left, if anything is. */
  flush(): void {
    this.clock.clearTimeout(this.timer)
    this.timer = undefined
    if (this.owed.size === 0) return
    const losses = [...this.owed].map(([cause, count]) => ({ cause, count }))
    this.owed.clear()
    this.toldAt = this.clock.now()
    this.tell(losses)
  }
}
