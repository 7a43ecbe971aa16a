import { StageCrash } from '../../actors/index.ts'
import type { ShedReason } from '../../operators/index.ts'
import { SpillwayError } from '../../operators/index.ts'
import type { Cancelled, Expired, Failed, Outcome, Shed } from '../pipeline/outcome.ts'
import { PromptTooLongError } from '../stages/prompt-too-long-error.ts'
import { InvalidPromptError } from '../workers/invalid-prompt-error.ts'
import { StoreError, UnstorableError } from '../stores/store-error.ts'
import { WorkerError } from '../workers/worker-error.ts'
import { ClientEnding, endedByClient } from './client-ending.ts'
import { badInput, type Refusal, storeAway } from './refusal.ts'

/** What the caller of a request is told that ended without an answer. */
export function refusalOf(outcome: Exclude<Outcome<unknown>, { readonly kind: 'completed' }>): Refusal {
  switch (outcome.kind) {
    case 'shed':
      return ofShed(outcome)
    case 'expired':
      return ofExpired(outcome)
    case 'cancelled':
      return ofCancelled(outcome)
    case 'failed':
      return ofFailed(outcome)
  }
}

function ofShed({ stage, reason, retryAfterMs }: Shed): Refusal {
  const { status, code, sentence } = sheds[reason] ?? overloaded
  const type = status === 429 ? 'rate_limit_error' : status === 413 ? 'invalid_request_error' : 'server_error'
  const message = `${sentence} (stage ${JSON.stringify(stage)}: ${reason})`
  // What is too large now is too large later.
  return { status, message, type, param: null, code, ...(status !== 413 && { retryAfterMs }) }
}

interface ShedAnswer {
  readonly status: number
  readonly code: string
  readonly sentence: string
}

const overloaded: ShedAnswer = {
  status: 429,
  code: 'overloaded',
  sentence: 'The server is overloaded; try again later',
}

const sheds: Readonly<Partial<Record<ShedReason, ShedAnswer>>> = {
  breaker: { status: 503, code: 'circuit_open', sentence: 'What the answer needs is not well; try again later' },
  draining: { status: 503, code: 'draining', sentence: 'The server is shutting down' },
  'stage-down': { status: 503, code: 'stage_down', sentence: 'A part of the server is down' },
  'too-large': { status: 413, code: 'too_large', sentence: 'The request is larger than the server can ever take' },
}

function ofExpired({ stage, reason }: Expired): Refusal {
  if (reason === 'ttl') {
    return serverError(504, 'waited_too_long', `The request waited too long before stage ${JSON.stringify(stage)}`)
  }
  return serverError(
    504,
    'deadline_exceeded',
    `The deadline passed while the request was at stage ${JSON.stringify(stage)}`,
  )
}

/** Why a request was cancelled, where that may be told: an unknown error may say anything, also a secret. */
export function toldReason({ reason }: Cancelled): string | undefined {
  const sentence = reason instanceof SpillwayError ? reason.message : reason
  return typeof sentence === 'string' ? sentence : undefined
}

function ofCancelled(outcome: Cancelled): Refusal {
  const told = toldReason(outcome)
  const message = told === undefined ? 'The request was cancelled' : `The request was cancelled: ${told}`
  if (outcome.reason instanceof ClientEnding) return badInput(null, message, 'cancelled', endedByClient)
  return serverError(503, 'cancelled', message)
}

function ofFailed({ stage, error }: Failed): Refusal {
  for (const cause of causesOf(error)) {
    if (cause instanceof WorkerError) return ofWorkerError(cause)
    if (cause instanceof InvalidPromptError) return badInput(cause.field, cause.message, 'invalid_prompt')
    if (cause instanceof PromptTooLongError) return badInput('messages', cause.message, 'context_length_exceeded')
    // Its words are its handler's and may quote the prompt of another, with whose request the stage went down.
    if (cause instanceof StageCrash && cause.code === 'stage_crash') {
      return serverError(500, cause.code, `The stage ${JSON.stringify(stage)} crashed`)
    }
    // What is said beneath may hold the store's address. What no store could keep would fail later, too.
    if (cause instanceof StoreError && !(cause.cause instanceof UnstorableError)) {
      return storeAway('The store of sessions is away')
    }
    if (cause instanceof SpillwayError) {
      const answer = failures[cause.code]
      if (answer !== undefined) return serverError(answer, cause.code, cause.message)
    }
  }
  // What an unknown error says may be anything, also a secret: the log has it.
  return serverError(500, 'stage_failed', `The stage ${JSON.stringify(stage)} failed`)
}

const failures: Readonly<Partial<Record<SpillwayError['code'], number>>> = {
  stage_timeout: 504,
  drain_timeout: 503,
  channel_closed: 503,
  restart_intensity: 503,
  stage_unhealthy: 503,
  stage_stopped: 503,
  retrieval_failed: 500,
  template_failed: 500,
  invalid_answer: 502,
}

/** What the model's server said decides whether the caller, or nobody, can mend it. */
function ofWorkerError(error: WorkerError): Refusal {
  const { status, serverCode, retryAfterMs } = error
  // The client of OpenAI's API begins with the status, which the caller gets anyway.
  const said = error.reason.replace(/^\d{3} /, '')
  const later = retryAfterMs !== undefined && { retryAfterMs }
  if (error.timedOut) return serverError(504, 'model_timeout', 'The model took too long')
  if (error.unreadable) {
    return serverError(502, 'model_failed', "The model's server answered with something that is not OpenAI's API")
  }
  if (status === undefined) {
    // The message may hold the endpoint's address, which is none of the caller's business.
    return serverError(503, 'model_unavailable', 'The model cannot be reached, or broke off its answer')
  }
  switch (status) {
    case 400:
    case 422:
      return badInput(null, `The model refused the request: ${said}`, 'model_refused')
    case 404:
      if (serverCode === 'model_not_found') return badInput('model', said, 'model_not_found', 404)
      // A wrong address gives the same status: nothing that the caller could mend.
      return serverError(
        502,
        'model_failed',
        "The model's server does not know the model, or the path that it was asked at",
      )
    case 408:
    case 504:
      return serverError(504, 'model_timeout', 'The model took too long')
    case 413:
      return badInput(null, `The model refused the request: ${said}`, 'model_refused', 413)
    case 429:
      return {
        status: 429,
        message: `The model is overloaded: ${said}`,
        type: 'rate_limit_error',
        param: null,
        code: 'model_overloaded',
        ...later,
      }
    case 503:
      return { ...serverError(503, 'model_unavailable', 'The model is not available now'), ...later }
    default:
      // Also 401 and 403: the key that the model refused is the server's, and not the caller's.
      return serverError(502, 'model_failed', `The model's server failed with status ${status}`)
  }
}

function serverError(status: number, code: string, message: string): Refusal {
  return { status, message, type: 'server_error', param: null, code }
}

/** The error and what lies beneath it; a chain that is longer than this is a circle. */
function* causesOf(error: unknown): Generator {
  let cause = error
  for (let depth = 0; depth < 8 && cause instanceof Error; depth++) {
    yield cause
    cause = cause.cause
  }
}
