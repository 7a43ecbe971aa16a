import type { ShedReason } from '../../operators/index.ts'
import type { Outcome, OutcomeKind, Timings } from '../pipeline/outcome.ts'
import { refusalOf } from './outcome-refusal.ts'

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
  /** Where it was `shed`. */
  readonly reason?: ShedReason
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

/** An outcome as JSON; it says no more of an error than `refusalOf` does. */
export function outcomeBody(outcome: Outcome<unknown>): OutcomeBody {
  const { kind, id, submissionId, timings } = outcome
  const head = { kind, id, submissionId, timings }
  if (outcome.kind === 'completed') return { ...head, chunks: outcome.chunks }
  const { status, code, message, param, retryAfterMs } = refusalOf(outcome)
  return {
    ...head,
    ...('stage' in outcome && { stage: outcome.stage }),
    ...(outcome.kind === 'shed' && { reason: outcome.reason }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    error: { status, code, message, param },
  }
}
