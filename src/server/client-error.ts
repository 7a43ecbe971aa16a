import type { Socket } from 'node:net'
import type { ConnectionError } from 'fastify'
import { openAiError, problem, type Refusal } from './refusal.ts'

/**
 * Answers what never became a request (headers too large, too slow, not HTTP) on the bare connection, and closes it.
 *
 * Which path it was meant for is not known, so that the body is a problem with OpenAI's `error` as an extension.
 *
 * @returns The status that was sent; `undefined` where nothing could be.
 */
export function answerClientError(error: ConnectionError, socket: Socket, newId: () => string): number | undefined {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return undefined
  }
  const refusal = refusals[error.code] ?? malformed
  const body = JSON.stringify({ ...problem(refusal), ...openAiError(refusal) })
  const head = [
    `HTTP/1.1 ${refusal.status} ${problem(refusal).title}`,
    'content-type: application/problem+json',
    `content-length: ${new TextEncoder().encode(body).length}`,
    `x-request-id: ${newId()}`,
    'connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => {
    socket.destroy()
  })
  return refusal.status
}

function clientFault(status: number, code: string, message: string): Refusal {
  return { status, message, type: 'invalid_request_error', param: null, code }
}

const malformed = clientFault(400, 'malformed_request', 'the request is not valid HTTP')

const refusals: Readonly<Record<string, Refusal>> = {
  ERR_HTTP_REQUEST_TIMEOUT: clientFault(408, 'request_timeout', 'the request was not sent within the time limit'),
  HPE_HEADER_OVERFLOW: clientFault(431, 'headers_too_large', "the request's headers are larger than the limit"),
}
