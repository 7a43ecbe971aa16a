import { StageCrash } from '../../../actors/index.ts'
import { checkNumber, messageOf, type Backoff, type RandomSource } from '../../../operators/index.ts'
import type { DeadLetterFailure, StoredDeadLetter } from '../../stores/dead-letter-store.ts'
import { errorCode } from '../describe-error.ts'
import type { Failed, Outcome } from '../outcome.ts'

/** What a store is to do with an entry whose redrive has ended. */
export type Conclusion =
  | { readonly do: 'ack' }
  | { readonly do: 'fail'; readonly failure: DeadLetterFailure; readonly retryInMs: number; readonly final: boolean }
  | { readonly do: 'defer'; readonly reason: string; readonly retryInMs: number }

/** By what a redrive is tried again. */
export interface ConclusionTerms {
  readonly backoff: Backoff
  readonly random: RandomSource
  /** About when one is tried again whose turn it was not. */
  readonly pollMs: number
  /** How far the redrives of a request that crashes its stage are apart at least. */
  readonly crashSpacingMs: number
  /** Whether the pipeline has failed, and with it all that was in flight. */
  readonly hasFailed: () => boolean
}

const errorLength = 1024
/** Ends of the pipeline and not of the request. */
const blameless: readonly string[] = ['drain_timeout', 'channel_closed', 'stage_stopped']
/** What is wrong with the request itself, however often it is tried. */
const hopeless: readonly string[] = ['invalid_prompt', 'prompt_too_long']

/** What becomes of an entry by the outcome of its redrive, when that was not cancelled for its own sake. */
export function conclude(letter: StoredDeadLetter, outcome: Outcome<unknown>, terms: ConclusionTerms): Conclusion {
  switch (outcome.kind) {
    case 'completed':
      return { do: 'ack' }
    case 'shed':
      // What is too large for a channel has been looked at; all other reasons say that there is no room at present.
      return outcome.reason === 'too-large'
        ? failBy(letter, { stage: outcome.stage, kind: 'shed', reason: outcome.reason }, terms)
        : deferBy(outcome.reason, terms, outcome.retryAfterMs)
    case 'expired':
      return failBy(letter, { stage: outcome.stage, kind: 'expired', reason: outcome.reason }, terms)
    case 'cancelled':
      return deferBy('cancelled', terms)
    case 'failed':
      return ofFailed(letter, outcome, terms)
  }
}

/** It was not its turn: its attempt does not count. */
export function deferBy(reason: string, { random, pollMs }: ConclusionTerms, leastMs = 0): Conclusion {
  return { do: 'defer', reason, retryInMs: Math.ceil(leastMs + pollMs * random()) }
}

/** Its attempt counts. */
export function failBy(
  letter: StoredDeadLetter,
  failure: DeadLetterFailure,
  { backoff }: ConclusionTerms,
  { leastMs = 0, final = false }: { readonly leastMs?: number; readonly final?: boolean } = {},
): Conclusion {
  const delayMs = checkNumber('what redrive.backoff gives', backoff(Math.max(1, letter.attempts)))
  return { do: 'fail', failure, retryInMs: Math.ceil(leastMs + delayMs), final }
}

function ofFailed(letter: StoredDeadLetter, { stage, error }: Failed, terms: ConclusionTerms): Conclusion {
  const reason = errorCode(error)
  const crashed = error instanceof StageCrash
  if (blameless.includes(reason) || (!crashed && terms.hasFailed())) return deferBy(reason, terms)
  const failure = { stage, kind: 'failed', reason, error: messageOf(error).slice(0, errorLength) } as const
  const leastMs = crashed ? terms.crashSpacingMs : retryAfterMsOf(error)
  return failBy(letter, failure, terms, { leastMs, final: hopeless.includes(reason) })
}

/** How long what has failed asks to be left alone. */
function retryAfterMsOf(error: unknown): number {
  if (typeof error !== 'object' || error === null || !('retryAfterMs' in error)) return 0
  const { retryAfterMs } = error
  return typeof retryAfterMs === 'number' && retryAfterMs > 0 && retryAfterMs < Infinity ? retryAfterMs : 0
}

/** What went wrong with the answer, not with the request's way through the stages. */
export function answerLost(stage: string, reason: string, error: unknown): DeadLetterFailure {
  return { stage, kind: 'failed', reason, error: messageOf(error).slice(0, errorLength) }
}
