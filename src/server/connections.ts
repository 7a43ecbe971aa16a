import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { Server as TlsServer } from 'node:tls'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Clock, TimerHandle } from '../../operators/index.ts'

/** The open connections of a server. */
export interface Connections {
  /** Whether this one was opened when there were as many as may be. */
  isExcess(socket: Socket): boolean
  /** Notes that a request has come. */
  begin(request: FastifyRequest, reply: FastifyReply): void
  /** What a TLS connection is spoken on, also where its handshake has failed. */
  bareOf(socket: Socket): Socket | undefined
  /** The last request that came on a connection. */
  latest(socket: Socket): Exchanged | undefined
  /** Calls back when no response of a connection is under way: at once, or once. */
  whenQuiet(socket: Socket, callback: () => void): void
  /** Closes those on which nothing was ever asked: Node does not count them as idle. */
  closeUnused(): void
  /** Stops looking after them; they stay open. */
  stop(): void
}

/** A request and what answers it. */
interface Exchanged {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}

interface Connection {
  /** What the client has taken of what was sent to it, when it was last looked at. */
  takenBytes: number
  since: number
  latest: Exchanged | undefined
  /** How many responses are under way: a client may send several requests at once. */
  responses: number
  onQuiet: (() => void) | undefined
}

/**
 * Counts a server's connections, knows what happens on each, and closes those whose client takes nothing of what was
 * sent to it.
 *
 * One timer looks at all of them, so that a connection costs none.
 */
export function watchConnections(
  server: Server,
  { max, unreadTimeoutMs, clock }: { readonly max: number; readonly unreadTimeoutMs: number; readonly clock: Clock },
): Connections {
  const open = new Map<Socket, Connection>()
  const excess = new WeakSet<Socket>()
  // By TLS a connection is first bare: it counts from then on, and is used when both have agreed on how.
  const bare = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    bare.add(socket)
    socket.once('close', () => bare.delete(socket))
  })
  server.on(server instanceof TlsServer ? 'secureConnection' : 'connection', (socket: Socket) => {
    if (bare.size > max) excess.add(socket)
    const since = clock.now()
    open.set(socket, { takenBytes: 0, since, latest: undefined, responses: 0, onQuiet: undefined })
    socket.once('close', () => open.delete(socket))
  })

  const look = (): void => {
    const now = clock.now()
    for (const [socket, connection] of open) {
      const takenBytes = socket.bytesWritten - socket.writableLength
      if (socket.writableLength === 0 || takenBytes !== connection.takenBytes) {
        connection.takenBytes = takenBytes
        connection.since = now
      } else if (now - connection.since >= unreadTimeoutMs) socket.destroy()
    }
    timer = clock.setTimeout(look, unreadTimeoutMs / 4)
  }
  let timer: TimerHandle
  // Not before: a timer would keep the process alive for a server that nobody ever started.
  server.once('listening', () => {
    timer = clock.setTimeout(look, unreadTimeoutMs / 4)
  })

  return {
    isExcess: (socket) => excess.has(socket),
    begin(request, reply) {
      const connection = open.get(request.raw.socket)
      if (connection === undefined) return
      connection.latest = { request, reply }
      connection.responses++
      reply.raw.once('close', () => {
        connection.responses--
        if (connection.responses > 0) return
        connection.onQuiet?.()
        connection.onQuiet = undefined
      })
    },
    // The TLS connection itself does not tell.
    bareOf: ({ remotePort, remoteAddress }) =>
      [...bare].find((socket) => socket.remotePort === remotePort && socket.remoteAddress === remoteAddress),
    latest: (socket) => open.get(socket)?.latest,
    whenQuiet(socket, callback) {
      const connection = open.get(socket)
      if (connection === undefined || connection.responses === 0) callback()
      else connection.onQuiet = callback
    },
    closeUnused() {
      const used = new Set([...open].flatMap(([socket, { latest }]) => (latest === undefined ? [] : [endOf(socket)])))
      for (const socket of bare) if (!used.has(endOf(socket))) socket.destroy()
    },
    stop() {
      clock.clearTimeout(timer)
    },
  }
}

/** The same for a bare connection and for what is spoken on it. */
function endOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`
}
