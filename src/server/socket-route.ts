import { Buffer } from 'node:buffer'
import { type IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { WebSocketServer } from 'ws'
import { show } from '../../operators/index.ts'
import { lingerAndClose } from './linger.ts'
import { badInput, type Refusal } from './refusal.ts'
import type { ServerContext } from './server-context.ts'
import { SocketSession } from './socket-session.ts'
import { TellingSocket } from './telling-socket.ts'

/** The WebSockets of a server. */
export interface SocketRoute {
  /** Closes them, after what they were sent. */
  close(): void
  /** Breaks off those that are still open. */
  cut(): void
}

/** The subprotocol that is spoken. */
const subprotocol = 'spillway'
/** How a browser, which cannot set headers, shows its key: as a subprotocol of this name and the key in base64url. */
const bearerPrefix = 'spillway.bearer.'

interface Upgrade {
  readonly socket: Socket
  readonly head: Buffer
}

/**
 * Adds `GET /v1/stream`, a WebSocket. Its opening request goes the way of all requests: limits, key, id and log are
 * the server's.
 *
 * @param mayCross Whether a page of another origin may open one: with a key, or where it is one of `corsOrigins`. Others
 * are kept out, because a browser lets any page open a WebSocket to this machine.
 */
export function addSocketRoute(
  app: FastifyInstance,
  context: ServerContext,
  mayCross: (request: IncomingMessage) => boolean,
): SocketRoute {
  const { limits, clock, exchangeOf, refuse, reportFault } = context
  const sessions = new Set<SocketSession>()
  const upgrades = new WeakMap<IncomingMessage, Upgrade>()
  const replies = new WeakMap<IncomingMessage, FastifyReply>()
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: limits.socketMessageBytes,
    WebSocket: TellingSocket,
    handleProtocols: (offered) => (offered.has(subprotocol) ? subprotocol : false),
  })
  sockets.on('headers', (headers, request) => {
    const reply = replies.get(request)
    if (reply !== undefined) headers.push(`x-request-id: ${exchangeOf(reply.request).id}`)
  })
  sockets.on('wsClientError', (error, _socket, request) => {
    const reply = replies.get(request)
    if (reply !== undefined) refuse(reply, badInput(null, error.message, 'bad_handshake'))
  })

  app.server.on('upgrade', (request: IncomingMessage, _duplex: Duplex, head: Buffer) => {
    const { socket } = request
    // Until the WebSocket has it nobody else would hear of its error.
    socket.on('error', () => socket.destroy())
    const response = new ServerResponse(request)
    response.shouldKeepAlive = false
    // Node looks after it no longer: a client that stays would keep its place.
    response.once('finish', () => {
      lingerAndClose(socket, clock)
    })
    showKey(request)
    upgrades.set(request, { socket, head })
    try {
      response.assignSocket(socket)
      app.routing(request, response)
    } catch {
      // An earlier request on the connection has not been answered yet.
      socket.destroy()
    }
  })

  app.route({
    method: 'GET',
    url: '/v1/stream',
    exposeHeadRoute: false,
    handler(request, reply) {
      const upgrade = upgrades.get(request.raw)
      if (upgrade === undefined) {
        void reply.headers({ connection: 'Upgrade', upgrade: 'websocket' })
        return refuse(
          reply,
          badInput('upgrade', 'this is a WebSocket: the header upgrade is missing', 'upgrade_required', 426),
        )
      }
      const fault = mayCross(request.raw) ? undefined : originFault(request.headers)
      if (fault !== undefined) return refuse(reply, fault)
      replies.set(request.raw, reply)
      const { socket, head } = upgrade
      sockets.handleUpgrade(request.raw, socket, head, (websocket) => {
        const exchange = exchangeOf(request)
        exchange.status = 101
        const link = {
          socket: websocket,
          transport: socket,
          id: exchange.id,
          reportFault: (error: unknown) => reportFault(request, error),
        }
        const session = new SocketSession(link, context, (code) => {
          sessions.delete(session)
          context.log.socketClosed(code)
        })
        sessions.add(session)
      })
      return reply.sent ? reply : reply.hijack()
    },
  })

  return {
    close() {
      for (const session of sessions) session.goodbye()
    },
    cut() {
      for (const session of sessions) session.cut()
    },
  }
}

/** Puts a key that was shown as a subprotocol where all others are shown. */
function showKey({ headers }: IncomingMessage): void {
  const offered = headers['sec-websocket-protocol']?.split(',').map((name) => name.trim()) ?? []
  const shown = offered.find((name) => name.startsWith(bearerPrefix))?.slice(bearerPrefix.length)
  if (shown !== undefined) headers.authorization ??= `Bearer ${Buffer.from(shown, 'base64url').toString()}`
}

/** A browser says which page is asking; other clients say nothing. */
function originFault({ origin, host }: IncomingMessage['headers']): Refusal | undefined {
  if (origin === undefined) return undefined
  if (URL.canParse(origin) && new URL(origin).host === host) return undefined
  const message = `pages of other origins may open a WebSocket where the server has an API key, or where corsOrigins (--cors-origin) names them; the header origin is ${show(origin)}`
  return badInput('origin', message, 'origin_not_allowed', 403)
}
