/** Every code that a `SpillwayError` can carry; each has exactly one class. */
export type ErrorCode =
  | 'already_consumed'
  | 'cancelled'
  | 'channel_closed'
  | 'circuit_open'
  | 'drain_timeout'
  | 'expired'
  | 'invalid_answer'
  | 'invalid_prompt'
  | 'invalid_topology'
  | 'invariant_broken'
  | 'overflow'
  | 'prompt_too_long'
  | 'restart_intensity'
  | 'retrieval_failed'
  | 'shed'
  | 'stage_crash'
  | 'stage_failed'
  | 'stage_setup'
  | 'stage_teardown'
  | 'stage_timeout'
  | 'stage_unhealthy'
  | 'stage_stopped'
  | 'store_failed'
  | 'template_failed'
  | 'unstorable'
  | 'worker_failed'

/**
 * The base of every error that Spillway raises: match by `code`, read `message` for the offending value
 * and what was expected, follow `cause` to what lay beneath.
 *
 * A bad option is a caller's mistake and raises `TypeError` or `RangeError` instead.
 */
export abstract class SpillwayError extends Error {
  abstract readonly code: ErrorCode

  /** The class's name, as a stack trace prints it. */
  override get name(): string {
    return this.constructor.name
  }
}
