import type { OutcomeKind } from '../pipeline/outcome.ts'

/** The ends of a request that a stage may keep as dead letters. */
export type DeadLetterKind = Extract<OutcomeKind, 'shed' | 'failed' | 'expired'>

/** A request that was not answered, with what is needed to run it again. */
export interface DeadLetter {
  /** Names the submission, and the entry: two callers may both call their request `1`. */
  readonly submissionId: string
  /** The request's own id. */
  readonly id: string
  /** The pipeline's name. */
  readonly pipeline: string
  /** Where it ended. */
  readonly stage: string
  /** How it ended. */
  readonly kind: DeadLetterKind
  /** Why: of a shed request the reason, of a failed one the error's code, of an expired one `deadline` or `ttl`. */
  readonly reason: string
  /** What the error says, at most 1,024 characters; of failed requests only. It may quote the prompt. */
  readonly error?: string
  /** The request's `session`, where it has one. */
  readonly session?: string
  /** The request as it was submitted: the same object, which its caller must not change. */
  readonly request: unknown
  /** When it was submitted, in milliseconds since 1970-01-01 UTC. */
  readonly firstSeenAt: number
  /** When it ended, in milliseconds since 1970-01-01 UTC. */
  readonly lastSeenAt: number
}

/**
 * What a store says of an entry: it has it now, had the same one before, has another one of that id, or has no room.
 */
export type PutResult = 'stored' | 'duplicate' | 'conflict' | 'full'

/** Keeps dead letters. */
export interface DeadLetterWriter {
  /**
   * Keeps an entry; a promise that rejects, or takes longer than `signal` allows, means *unknown*, and the same entry
   * is put again. It must therefore be idempotent by `submissionId`.
   */
  put(letter: DeadLetter, options: { readonly signal: AbortSignal }): PromiseLike<PutResult>
}
