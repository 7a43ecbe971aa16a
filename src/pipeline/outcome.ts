import type { ShedReason } from '../../operators/index.ts'

/** Where a submission comes from: a caller, or the retry worker, which runs a dead letter again. */
export type Origin = 'client' | 'redrive'

/** When things happened to a request. */
export interface Timings {
  /** When it was submitted, in milliseconds since 1970-01-01 UTC. */
  readonly submittedAt: number
  /** From its submission to its end. */
  readonly durationMs: number
}

interface Settled {
  /** The request's own `id`, or the submission's where it has none. */
  readonly id: string
  /** Names this submission, unlike `id` also when two callers chose the same. */
  readonly submissionId: string
  readonly timings: Timings
  /** Who submitted it, where that was not a client: the retry worker. */
  readonly origin?: Exclude<Origin, 'client'>
}

/** The answer is there: a value, or a stream whose last chunk has been taken. */
export interface Completed<Output> extends Settled {
  readonly kind: 'completed'
  /** What a pipeline of values gave; `undefined` where the answer was a stream. */
  readonly value?: Output
  /** Chunks that the caller took; 0 where the answer was a value. */
  readonly chunks: number
}

/** Turned away: at the door, by a full channel, or by a breaker before there was a part of an answer. */
export interface Shed extends Settled {
  readonly kind: 'shed'
  /** The stage that had no room, is down for good, or whose handler's breaker refused. */
  readonly stage: string
  readonly reason: ShedReason
  /** When it is worth trying again, 100 … 60,000: once there is likely to be room, and the stage is up again. */
  readonly retryAfterMs: number
}

/** A stage's handler failed, timed out or crashed. */
export interface Failed extends Settled {
  readonly kind: 'failed'
  readonly stage: string
  /** What the handler threw; a `StageTimeoutError`, `DrainTimeoutError` … where the runtime ended it. */
  readonly error: unknown
}

/** Why a request expired: its `deadlineMs` passed, or it waited before a stage for the stage's `ttlMs`. */
export type ExpiryReason = 'deadline' | 'ttl'

/** Its time was over first. */
export interface Expired extends Settled {
  readonly kind: 'expired'
  /** Where it was then. */
  readonly stage: string
  readonly reason: ExpiryReason
}

/** The caller no longer wants the answer, or has stopped reading it. */
export interface Cancelled extends Settled {
  readonly kind: 'cancelled'
  readonly reason: unknown
}

/** How a request ended: exactly one for each submission. */
export type Outcome<Output> = Completed<Output> | Shed | Failed | Expired | Cancelled

/** The five ways in which a request can end. */
export type OutcomeKind = Outcome<unknown>['kind']
