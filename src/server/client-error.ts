import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { ConnectionError, FastifyReply } from 'fastify'
import type { Clock } from '../../operators/index.ts'
import { endedByClient } from './client-ending.ts'
import type { Connections } from './connections.ts'
import type { ServerLimits } from './limits.ts'
import { lingerAndClose } from './linger.ts'
import { badInput, openAiError, problem, type Refusal } from './refusal.ts'

/** What answers a client that does not keep to HTTP. */
export interface ClientErrorOptions {
  readonly limits: Required<ServerLimits>
  readonly connections: Connections
  readonly clock: Clock
  readonly newId: () => string
  /** Answers a request whose body turned out to be broken. */
  readonly refuse: (reply: FastifyReply, refusal: Refusal) => unknown
  /** Told of what was answered, or dropped, without ever having been a request. */
  readonly onAnswered: (status: number, code: string) => void
}

/** Status in the books of a connection whose TLS handshake failed; sent only to those that speak plain HTTP. */
const tlsFailed = 400

const httpWithoutTls = badInput(null, 'this port speaks HTTPS: use https:// here', 'http_without_tls', tlsFailed)

/** Makes what ends connections on which something was sent that is not HTTP, or too slowly, or too much of it. */
export function createClientErrorHandler({
  limits,
  connections,
  clock,
  newId,
  refuse,
  onAnswered,
}: ClientErrorOptions): (error: ConnectionError, socket: Socket) => void {
  // What a client still sends after it was told what is wrong is wrong again.
  const told = new WeakSet<Socket>()
  return (error, socket) => {
    if (told.has(socket)) return
    // An error with which a response was broken off comes here, too, and may have no code.
    const code = (error as Partial<ConnectionError>).code ?? ''
    if (code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS')) {
      const plain = code === 'ERR_SSL_HTTP_REQUEST'
      onAnswered(tlsFailed, plain ? httpWithoutTls.code : 'tls_failed')
      const bare = plain ? connections.bareOf(socket) : undefined
      // Who speaks neither can be told nothing; TLS itself has said what it can.
      if (bare === undefined) socket.destroy()
      else answerConnection(bare, httpWithoutTls, newId(), clock)
      return
    }
    const latest = connections.latest(socket)
    if (code === 'ECONNRESET' || !socket.writable) {
      // Of a request that has begun its own end tells.
      if (latest === undefined && socket.bytesRead > 0) onAnswered(endedByClient, 'client_left')
      socket.destroy()
      return
    }
    told.add(socket)
    const refusal = refusalOfConnection(error, limits)
    if (latest === undefined || latest.request.raw.complete) {
      // Requests that came before, whole, still get their answers.
      connections.whenQuiet(socket, () => {
        if (!socket.writable) return
        onAnswered(refusal.status, refusal.code)
        answerConnection(socket, refusal, newId(), clock)
      })
    } else if (latest.reply.sent) socket.destroy()
    else {
      void latest.reply.header('connection', 'close')
      refuse(latest.reply, refusal)
    }
  }
}

/**
 * Answers what never became a request on the bare connection, and closes it.
 *
 * Which path it was meant for is not known, so that the body is a problem with OpenAI's `error` as an extension.
 */
export function answerConnection(socket: Duplex, refusal: Refusal, id: string, clock: Clock): void {
  const { title, ...rest } = problem(refusal)
  const body = JSON.stringify({ title, ...rest, ...openAiError(refusal) })
  const head = [
    `HTTP/1.1 ${refusal.status} ${title}`,
    'content-type: application/problem+json; charset=utf-8',
    `content-length: ${new TextEncoder().encode(body).length}`,
    `x-request-id: ${id}`,
    'connection: close',
  ]
  lingerAndClose(socket, clock, `${head.join('\r\n')}\r\n\r\n${body}`)
}

/** What Node's parser says of a request; `reason` is one of its own sentences and never quotes what was sent. */
interface ParserError {
  readonly code: string
  readonly reason?: unknown
  readonly rawPacket?: unknown
}

function refusalOfConnection(error: ParserError, limits: Required<ServerLimits>): Refusal {
  const { code, reason, rawPacket } = error
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return badInput(
        null,
        `the request's headers were not sent within the limit headersTimeoutMs of ${limits.headersTimeoutMs} ms`,
        'headers_timeout',
        408,
      )
    case 'HPE_HEADER_OVERFLOW':
      return badInput(
        null,
        `the request's URL and headers are larger than the limit headerBytes of ${limits.headerBytes} bytes`,
        'headers_too_large',
        431,
      )
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return badInput(null, 'the chunk extensions of the body are too large', 'body_too_large', 413)
    case 'HPE_PAUSED_H2_UPGRADE':
      return badInput(null, 'HTTP/2 is not spoken here, only HTTP/1.1', 'unsupported_http_version', 505)
  }
  if (rawPacket instanceof Uint8Array && rawPacket[0] === tlsHandshake && rawPacket[1] === tlsMajorVersion) {
    return badInput(null, 'this port speaks HTTP, and was greeted in TLS: use http:// here', 'malformed_request')
  }
  const why = typeof reason === 'string' && reason !== '' ? `: ${reason}` : ''
  return badInput(null, `the request is not valid HTTP${why}`, 'malformed_request')
}

const tlsHandshake = 0x16
const tlsMajorVersion = 0x03
