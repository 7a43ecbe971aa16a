import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import type { Clock, TimerHandle } from '../../operators/index.ts'

/** What is watched, and how long. */
export interface SilenceWatchOptions {
  readonly socket: Pick<WebSocket, 'on' | 'ping' | 'bufferedAmount'>
  /** What lies beneath, to see what the client has taken. */
  readonly transport: Pick<Socket, 'bytesWritten' | 'writableLength'>
  readonly clock: Clock
  /** Milliseconds between pings. */
  readonly heartbeatMs: number
  /** Milliseconds that a client may take nothing, while it has to take or to answer something. */
  readonly unreadTimeoutMs: number
  /** Called once, when it has; nothing is sent afterwards. */
  readonly onSilent: () => void
}

/** Sends signs of life on a WebSocket from now on, and tells of a client that takes nothing. */
export class SilenceWatch {
  readonly #options: SilenceWatchOptions
  #timer: TimerHandle
  #pingedAt: number
  #ponged = true
  #takenBytes = 0
  #takenAt: number

  constructor(options: SilenceWatchOptions) {
    this.#options = options
    this.#pingedAt = this.#takenAt = options.clock.now()
    options.socket.on('pong', () => {
      this.#ponged = true
    })
    this.#look()
  }

  stop(): void {
    this.#options.clock.clearTimeout(this.#timer)
  }

  readonly #look = (): void => {
    const { socket, transport, clock, heartbeatMs, unreadTimeoutMs, onSilent } = this.#options
    const now = clock.now()
    const takenBytes = transport.bytesWritten - transport.writableLength
    const owed = !this.#ponged || socket.bufferedAmount > 0
    if (!owed || takenBytes !== this.#takenBytes) {
      this.#takenBytes = takenBytes
      this.#takenAt = now
    } else if (now - this.#takenAt >= unreadTimeoutMs) {
      onSilent()
      return
    }
    if (this.#ponged && now - this.#pingedAt >= heartbeatMs) {
      this.#pingedAt = now
      this.#ponged = false
      socket.ping()
    }
    this.#timer = clock.setTimeout(this.#look, Math.min(heartbeatMs, unreadTimeoutMs / 4))
  }
}
