import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Clock, TimerHandle } from '../../operators/index.ts'

/** The open connections of a server. */
export interface Connections {
  /** Whether this one was opened when there were as many as may be. */
  isExcess(socket: Socket): boolean
  /** Closes those on which nothing was ever said: Node does not count them as idle. */
  closeUnused(): void
  /** Stops looking after them; they stay open. */
  stop(): void
}

/** What a client has taken of what was sent to it, when it was last looked at. */
interface Progress {
  takenBytes: number
  since: number
}

/**
 * Counts a server's connections and closes those whose client takes nothing of what was sent to it.
 *
 * One timer looks at all of them, so that a connection costs none.
 */
export function watchConnections(
  server: Server,
  { max, unreadTimeoutMs, clock }: { readonly max: number; readonly unreadTimeoutMs: number; readonly clock: Clock },
): Connections {
  const open = new Map<Socket, Progress>()
  const excess = new WeakSet<Socket>()
  server.on('connection', (socket: Socket) => {
    if (open.size >= max) excess.add(socket)
    open.set(socket, { takenBytes: 0, since: clock.now() })
    socket.once('close', () => open.delete(socket))
  })

  const look = (): void => {
    const now = clock.now()
    for (const [socket, progress] of open) {
      const takenBytes = socket.bytesWritten - socket.writableLength
      if (socket.writableLength === 0 || takenBytes !== progress.takenBytes) {
        progress.takenBytes = takenBytes
        progress.since = now
      } else if (now - progress.since >= unreadTimeoutMs) socket.destroy()
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
    closeUnused() {
      for (const socket of open.keys()) if (socket.bytesRead === 0) socket.destroy()
    },
    stop() {
      clock.clearTimeout(timer)
    },
  }
}
