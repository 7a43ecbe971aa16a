import { OverflowError, type ShedReason, SpillwayError } from '../../operators/index.ts'
import type { ExpiryReason } from './outcome.ts'

/** The request was turned away; try again after `retryAfterMs`. `cause` is the refusal of a breaker or a full session, if that is the reason. */
export class ShedError extends SpillwayError {
  readonly code = 'shed'
  readonly stage: string
  readonly reason: ShedReason
  readonly retryAfterMs: number

  constructor(stage: string, reason: ShedReason, retryAfterMs: number, options?: ErrorOptions) {
    super(`shed at stage ${JSON.stringify(stage)}: ${reason}; try again in ${retryAfterMs} ms`, options)
    this.stage = stage
    this.reason = reason
    this.retryAfterMs = retryAfterMs
  }
}

/** Too many requests of a session wait for their turn. */
export class SessionFullError extends OverflowError {
  readonly retryAfterMs: number

  constructor(maxWaiting: number, retryAfterMs: number) {
    super(`${maxWaiting} requests of the session wait for their turn already, which is maxWaiting`)
    this.retryAfterMs = retryAfterMs
  }
}

/** A stage could not do its work for a request; `cause` is what its handler threw. */
export class StageError extends SpillwayError {
  readonly code: 'stage_failed' | 'stage_timeout' | 'drain_timeout' = 'stage_failed'
  readonly stage: string

  constructor(stage: string, message: string, options?: ErrorOptions) {
    super(`stage ${JSON.stringify(stage)} ${message}`, options)
    this.stage = stage
  }
}

/** A stage gave neither a value nor a first chunk within its `timeoutMs`. */
export class StageTimeoutError extends StageError {
  override readonly code = 'stage_timeout'

  constructor(stage: string, timeoutMs: number) {
    super(stage, `gave neither a value nor a first chunk within its timeoutMs of ${timeoutMs} ms`)
  }
}

/** The pipeline was shut down before the request could be finished. */
export class DrainTimeoutError extends StageError {
  override readonly code = 'drain_timeout'

  constructor(stage: string, timeoutMs: number) {
    super(stage, `had not finished when the drain's timeoutMs of ${timeoutMs} ms was over`)
  }
}

/** The request's deadline passed before its answer was complete, or it waited as long as it may before a stage. */
export class ExpiredError extends SpillwayError {
  readonly code = 'expired'
  readonly stage: string
  readonly reason: ExpiryReason

  constructor(stage: string, limitMs: number, reason: ExpiryReason = 'deadline') {
    const name = JSON.stringify(stage)
    super(
      reason === 'ttl'
        ? `the request waited before stage ${name} for its ttlMs of ${limitMs} ms and was not started`
        : `the deadline of ${limitMs} ms passed while the request was at stage ${name}`,
    )
    this.stage = stage
    this.reason = reason
  }
}

/** The request was cancelled; `cause` is the reason that was given. */
export class CancelledError extends SpillwayError {
  readonly code = 'cancelled'
}

/** A reply was read a second time; it has one reader. */
export class AlreadyConsumedError extends SpillwayError {
  readonly code = 'already_consumed'
}

/** A pipeline that cannot be started; the message names every fault. */
export class TopologyError extends SpillwayError {
  readonly code = 'invalid_topology'
}
