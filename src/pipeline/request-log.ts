import type { Clock, ShedReason, TimerHandle } from '../../operators/index.ts'
import type { Logger } from '../logger.ts'
import { sessionDigest } from '../session-digest.ts'
import { describeError } from './describe-error.ts'
import { sessionOf } from './session-of.ts'

/** What the log wants of a request. */
interface LoggedRequest {
  readonly id: string
  readonly request: unknown
}

const linesPerSecond = 10
const secondMs = 1000

/**
 * What the log says of requests: never their text. One `warn` for each shed, up to ten a second, beyond that one
 * line a second with the count; and one for each failure.
 */
export class RequestLog {
  private readonly clock: Clock
  private readonly logger: Logger
  private closed = false
  private written = 0
  private withheld = 0
  private timer: TimerHandle

  constructor(clock: Clock, logger: Logger) {
    this.clock = clock
    this.logger = logger
  }

  shed(envelope: LoggedRequest, stage: string, reason: ShedReason, depth: number): void {
    if (!this.closed) this.timer ??= this.clock.setTimeout(this.second, secondMs)
    if (this.written < linesPerSecond) {
      this.written += 1
      this.logger.warn({ ...describe(envelope), stage, reason, depth }, 'request shed')
    } else {
      this.withheld += 1
    }
  }

  failed(envelope: LoggedRequest, stage: string, error: unknown): void {
    this.logger.warn({ ...describe(envelope), stage, ...describeError(error) }, 'request failed')
  }

  /** Writes what was withheld, and sets no timer any more. */
  close(): void {
    this.closed = true
    if (this.timer !== undefined) this.clock.clearTimeout(this.timer)
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

function describe({ id, request }: LoggedRequest): object {
  return { request: id, session: sessionDigest(sessionOf(request)) }
}
