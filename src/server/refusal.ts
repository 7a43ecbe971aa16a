import { STATUS_CODES } from 'node:http'

/** Why a request gets no answer, as its caller is told. */
export interface Refusal {
  /** The HTTP status. */
  readonly status: number
  /** A sentence that names the field or limit, the value and what was expected. */
  readonly message: string
  /** What kind of error it is, in OpenAI's words, e.g. `'invalid_request_error'`. */
  readonly type: string
  /** The field that is wrong, e.g. `'messages[0].content'`; `null` where it is no single field. */
  readonly param: string | null
  /** What a program tells it by, e.g. `'model_not_found'`. */
  readonly code: string
  /** When it is worth trying again. */
  readonly retryAfterMs?: number
}

/** A refusal of bad input: status 400 unless another is said. */
export function badInput(param: string | null, message: string, code = 'invalid_value', status = 400): Refusal {
  return { status, message, type: 'invalid_request_error', param, code }
}

/** What needs a store cannot be done now. */
export function storeAway(message: string): Refusal {
  return { status: 503, message, type: 'server_error', param: null, code: 'store_unavailable', retryAfterMs: 1_000 }
}

/** The body that OpenAI's clients read. */
export interface OpenAiErrorBody {
  readonly error: {
    readonly message: string
    readonly type: string
    readonly param: string | null
    readonly code: string
  }
}

/** A refusal in OpenAI's shape. */
export function openAiError({ message, type, param, code }: Refusal): OpenAiErrorBody {
  return { error: { message, type, param, code } }
}

/** The body of `application/problem+json`. */
export interface ProblemBody {
  readonly type: 'about:blank'
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: string
}

/**
 * A refusal as problem details.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9457
 */
export function problem({ status, message, code }: Refusal): ProblemBody {
  return { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail: message, code }
}

/** The headers that tell a client when to come back: `retry-after` in whole seconds, rounded up, and the exact `retry-after-ms`. */
export function retryHeaders({ retryAfterMs }: Refusal): Readonly<Record<string, string>> {
  if (retryAfterMs === undefined) return {}
  return { 'retry-after': String(Math.ceil(retryAfterMs / 1000)), 'retry-after-ms': String(Math.ceil(retryAfterMs)) }
}
