import type { ServerResponse } from 'node:http'
import type { Clock, TimerHandle } from '../../operators/index.ts'

/** Where a paced writer writes: a response, or what behaves like one. */
export type PacedResponse = Pick<ServerResponse, 'write' | 'on' | 'off' | 'destroyed' | 'writableNeedDrain'>

/** How events are written. */
export interface PacedWriterOptions {
  readonly clock: Clock
  /** Milliseconds of silence after which a comment is sent. */
  readonly heartbeatMs: number
  /** Writes the status line and the headers; called once, before anything else is written. */
  readonly begin: () => void
}

/**
 * Writes server-sent events no faster than the client takes them, and a comment after each silence of
 * `heartbeatMs`, counted from `begin` or `watch`.
 */
export class PacedWriter {
  readonly #response: PacedResponse
  readonly #clock: Clock
  readonly #heartbeatMs: number
  readonly #writeHead: () => void
  #lastWrite = 0
  #heartbeat: TimerHandle
  #begun = false
  #released = false
  #go: (() => void) | undefined

  constructor(response: PacedResponse, { clock, heartbeatMs, begin }: PacedWriterOptions) {
    this.#response = response
    this.#clock = clock
    this.#heartbeatMs = heartbeatMs
    this.#writeHead = begin
    response.on('drain', this.#wake)
    response.on('close', this.#wake)
  }

  /** Counts silence from now on: the headers go with the first comment, if nothing is written before. */
  watch(): void {
    this.#lastWrite = this.#clock.now()
    this.#heartbeat ??= this.#clock.setTimeout(this.#beat, this.#heartbeatMs)
  }

  /** Sends the headers, unless they are sent. */
  begin(): void {
    if (this.#begun) return
    this.#begun = true
    this.#writeHead()
    this.watch()
  }

  /** Writes; where the client has not taken what it was sent before, a promise until it has, has gone, or `release`. */
  write(text: string): Promise<void> | undefined {
    this.begin()
    this.#lastWrite = this.#clock.now()
    if (this.#response.write(text) || this.#response.destroyed || this.#released) return undefined
    return new Promise((resolve) => {
      this.#go = resolve
    })
  }

  /** From now on nobody waits for the client. */
  release(): void {
    this.#released = true
    this.#wake()
  }

  /** Ends the heartbeats and takes the listeners away; the response stays open. */
  stop(): void {
    this.#clock.clearTimeout(this.#heartbeat)
    this.#response.off('drain', this.#wake)
    this.#response.off('close', this.#wake)
    this.release()
  }

  readonly #wake = (): void => {
    this.#go?.()
    this.#go = undefined
  }

  readonly #beat = (): void => {
    const now = this.#clock.now()
    if (now - this.#lastWrite >= this.#heartbeatMs) {
      this.begin()
      // A client that does not even take what it was sent needs no sign of life.
      if (!this.#response.writableNeedDrain) this.#response.write(': still here\n\n')
      this.#lastWrite = now
    }
    this.#heartbeat = this.#clock.setTimeout(this.#beat, this.#lastWrite + this.#heartbeatMs - now)
  }
}
