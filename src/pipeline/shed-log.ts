import type { Clock, ShedReason, TimerHandle } from '../../operators/index.ts'
import type { Logger } from '../logger.ts'

const linesPerSecond = 10
const secondMs = 1000

/** Writes one `warn` for each shed, up to ten a second; beyond that one line a second with the count. */
export class ShedLog {
  private readonly clock: Clock
  private readonly logger: Logger
  private written = 0
  private withheld = 0
  private timer: TimerHandle

  constructor(clock: Clock, logger: Logger) {
    this.clock = clock
    this.logger = logger
  }

  shed(stage: string, reason: ShedReason, depth: number, request: () => object): void {
    this.timer ??= this.clock.setTimeout(this.second, secondMs)
    if (this.written < linesPerSecond) {
      this.written += 1
      this.logger.warn({ ...request(), stage, reason, depth }, 'request shed')
    } else {
      this.withheld += 1
    }
  }

  /** Writes what was withheld and begins anew. */
  flush(): void {
    if (this.timer !== undefined) this.clock.clearTimeout(this.timer)
    this.timer = undefined
    this.second()
  }

  private readonly second = (): void => {
    this.timer = undefined
    this.written = 0
    if (this.withheld === 0) return
    const count = this.withheld
    this.withheld = 0
    this.logger.warn({ count }, 'more requests shed in the last second')
  }
}
