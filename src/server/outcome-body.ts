import type { Outcome, OutcomeKind, Timings } from '../pipeline/outcome.ts'
import { refusalOf, toldReason } from './outcome-refusal.ts'
import type { Refusal } from './refusal.ts'

/** How a request ended, as the native routes say it in JSON. */
export interface OutcomeBody {
  readonly kind: OutcomeKind
  /** The request's own id. */
  readonly id: string
  readonly submissionId: string
  readonly timings: Timings
  /** Where it was `completed`: the chunks of the answer. */
  readonly chunks?: number
  /** Where it was `shed`, `failed` or `expired`: the stage where it was. */
  readonly stage?: string
  /** Why: a name where it was `shed` or `expired`, a sentence where it was `cancelled` and that may be told. */
  readonly reason?: string
  /** When it is worth trying again. */
  readonly retryAfterMs?: number
  /** Where it was not `completed`: the same words, status and code as OpenAI's routes give. */
  readonly error?: {
    readonly status: number
    readonly code: string
    readonly message: string
    readonly param: string | null
  }
}

/**
 * An outcome as JSON; it says no more of an error than `refusalOf` does.
 *
 * @param fault What the server itself failed with while it gave the answer, whatever became of the request: `failed`.
 */
export function outcomeBody(outcome: Outcome<unknown>, fault?: Refusal): OutcomeBody {
  const { kind, id, submissionId, timings } = outcome
  const head = { id, submissionId, timings }
  if (fault !== undefined) return { kind: 'failed', ...head, error: errorOf(fault) }
  if (outcome.kind === 'completed') return { kind, ...head, chunks: outcome.chunks }
  const refusal = refusalOf(outcome)
  const { retryAfterMs } = refusal
  const reason = reasonOf(outcome)
  return {
    kind,
    ...head,
    ...('stage' in outcome && { stage: outcome.stage }),
    ...(reason !== undefined && { reason }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    error: errorOf(refusal),
  }
}

function reasonOf(outcome: Outcome<unknown>): string | undefined {
  if (outcome.kind === 'cancelled') return toldReason(outcome)
  return 'reason' in outcome ? outcome.reason : undefined
}

function errorOf({ status, code, message, param }: Refusal): NonNullable<OutcomeBody['error']> {
  return { status, code, message, param }
}
