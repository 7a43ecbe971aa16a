import { SpillwayError } from './spillway-error.ts'

/** A bounded buffer that must not lose anything was given more than it holds. */
export class OverflowError extends SpillwayError {
  readonly code = 'overflow'
}

/** Something was asked of a channel that has been closed. */
export class ChannelClosedError extends SpillwayError {
  readonly code = 'channel_closed'
}

/** A circuit breaker has refused a call, because what it would call was not well. */
export class CircuitOpenError extends SpillwayError {
  readonly code = 'circuit_open'
  /** Whole milliseconds after which a call may pass; `undefined` while a probe runs, whose end nobody knows. */
  readonly retryAfterMs: number | undefined

  constructor(retryAfterMs: number | undefined) {
    super(
      retryAfterMs === undefined
        ? 'the circuit is half-open: a call is finding out whether what was failing is well again'
        : `the circuit is open, because too many calls have failed; try again in ${retryAfterMs} ms`,
    )
    this.retryAfterMs = retryAfterMs
  }
}
