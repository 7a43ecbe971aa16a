import { messageOf } from '../../operators/index.ts'
import { inspect } from 'node:util'
import type { OpenAiEndpoint } from './openai-endpoint.ts'
import { retryAfterMs } from './retry-after.ts'
import { WorkerError } from './worker-error.ts'

/** What a failed call to an endpoint means to the worker's caller: status, the server's words, and the cause. */
export function openAiFailure(id: string, endpoint: OpenAiEndpoint, error: unknown): WorkerError {
  if (error instanceof WorkerError) return error
  const { apiKey } = endpoint
  const hide = (text: string): string => (apiKey === undefined ? text : text.replaceAll(apiKey, '[apiKey]'))
  // Servers are known to repeat the key that they refuse, and a cause ends up in logs.
  const secret = apiKey !== undefined && inspect(error, everything).includes(apiKey)
  const status = statusOf(error)
  const message = messageOf(error)
  const beneath = rootOf(error)
  const text = status === undefined && beneath !== message ? `cannot reach ${endpoint.baseUrl}: ${beneath}` : message
  return new WorkerError(id, hide(text), {
    status,
    serverCode: codeOf(error),
    retryAfterMs: retryAfterMs(error),
    unreadable: error instanceof SyntaxError,
    cause: secret ? undefined : error,
  })
}

const everything = { depth: Infinity, maxStringLength: Infinity, maxArrayLength: Infinity, showHidden: true }

function statusOf(error: unknown): number | undefined {
  const status = typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined
  return typeof status === 'number' ? status : undefined
}

function codeOf(error: unknown): string | undefined {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : undefined
}

/** The innermost message: that of "connection refused" lies beneath "fetch failed" beneath "Connection error". */
function rootOf(error: unknown): string {
  let message = ''
  for (let at = error; at instanceof Error; at = at instanceof AggregateError ? at.errors[0] : at.cause) {
    if (at.message !== '') message = at.message
  }
  return message === '' ? String(error) : message
}
