import type { Buffer } from 'node:buffer'
import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import type { TimerHandle } from '../../operators/index.ts'
import type { Reply } from '../pipeline/reply.ts'
import type { CompletionChunk } from '../workers/model-worker.ts'
import type { Exchange } from './exchange.ts'
import { parseJsonBody } from './json-body.ts'
import { outcomeBody } from './outcome-body.ts'
import { refusalOf } from './outcome-refusal.ts'
import { checkPromptRequest } from './prompt-body.ts'
import { badInput, type Refusal } from './refusal.ts'
import type { ServerContext } from './server-context.ts'
import { checkFrame, type ClientFrame, frameId, type ServerFrame } from './socket-frames.ts'
import { WholeChunks } from './whole-chunks.ts'

/** Where requests that come on a WebSocket are counted. */
const submitRoute = '/v1/stream#submit'
const frameRoute = '/v1/stream#frame'

/** How a connection ends that broke the protocol, by the library's name of the fault; the others are 1002. */
const faultCodes: Readonly<Record<string, number>> = {
  WS_ERR_INVALID_UTF8: 1007,
  WS_ERR_TOO_MANY_BUFFERED_PARTS: 1008,
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: 1009,
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 1009,
}

/** Milliseconds that a client has to answer a close frame. */
const closeTimeoutMs = 5_000

/** A connection on which a session speaks. */
export interface SessionLink {
  readonly socket: WebSocket
  /** What lies beneath, to see what the client has taken. */
  readonly transport: Socket
  /** The id of the request that opened it. */
  readonly id: string
}

/**
 * One WebSocket: many requests, each named by the client, answered as they come.
 *
 * While more than `socketQueuedBytes` wait for the client nothing is pulled from any answer, and while more than
 * twice that wait, which its own frames have caused, nothing is read from it either. The end of the connection
 * cancels what runs on it.
 */
export class SocketSession {
  readonly #link: SessionLink
  readonly #context: ServerContext
  readonly #running = new Map<string, Reply<CompletionChunk>>()
  /** What it was closed with from here. */
  #code: number | undefined
  #room: PromiseWithResolvers<void> | undefined
  #timer: TimerHandle
  #second = -Infinity
  #messages = 0
  #pingedAt: number
  #ponged = true
  #takenBytes = 0
  #takenAt: number

  constructor(link: SessionLink, context: ServerContext, onEnd: (code: number) => void) {
    this.#link = link
    this.#context = context
    this.#pingedAt = this.#takenAt = context.clock.now()
    const { socket } = link
    socket.on('message', (data, isBinary) => {
      this.#receive(data as Buffer, isBinary)
    })
    socket.on('pong', () => {
      this.#ponged = true
    })
    socket.on('ping', () => {
      this.#count()
    })
    socket.on('error', (error: Error & { readonly code?: string }) => {
      // The library has sent the close frame.
      this.#end(faultCodes[error.code ?? ''] ?? 1002, 'the client broke the protocol')
    })
    socket.on('close', (code) => {
      this.#end(code, 'the client has left')
      context.clock.clearTimeout(this.#timer)
      onEnd(this.#code ?? code)
    })
    this.#look()
  }

  /** Closes the connection with a code and the reason for it, at most 123 bytes; what runs on it is cancelled. */
  close(code: number, reason: string): void {
    if (this.#code !== undefined) return
    this.#link.socket.close(code, reason)
    this.#end(code, reason)
  }

  /** Breaks the connection off. */
  cut(): void {
    this.#link.socket.terminate()
  }

  #end(code: number, reason: string): void {
    if (this.#code !== undefined) return
    this.#code = code
    const { clock } = this.#context
    clock.clearTimeout(this.#timer)
    this.#timer = clock.setTimeout(() => {
      this.cut()
    }, closeTimeoutMs)
    for (const reply of [...this.#running.values()]) reply.cancel(reason)
    this.#makeRoom()
  }

  #receive(data: Buffer, isBinary: boolean): void {
    if (this.#code !== undefined || !this.#count()) return
    if (isBinary) {
      this.close(1003, 'frames must be text, got a binary one')
      return
    }
    const json = parseJsonBody(data, this.#context.limits.jsonDepth, 'the frame')
    if (!json.ok) {
      this.#refuse(undefined, json.refusal)
      return
    }
    const frame = checkFrame(json.value)
    if (!frame.ok) this.#refuse(frameId(json.value), frame.refusal)
    else if (frame.value.type === 'submit') this.#submit(frame.value)
    else this.#cancel(frame.value.id)
  }

  /** Counts what the client says; `false` when it says too much, which ends the connection. */
  #count(): boolean {
    const { clock, limits } = this.#context
    const now = clock.now()
    if (now - this.#second >= 1000) {
      this.#second = now
      this.#messages = 0
    }
    this.#messages += 1
    const most = limits.socketMessagesPerSecond
    if (this.#messages <= most) return true
    this.close(1008, `more messages in a second than the limit socketMessagesPerSecond of ${most}`)
    return false
  }

  #submit({ id, request }: Extract<ClientFrame, { readonly type: 'submit' }>): void {
    const { running, models, limits, deadlineMs, clock } = this.#context
    if (this.#running.has(id)) {
      this.#refuse(id, badInput('id', `the request ${JSON.stringify(id)} is still running here`, 'id_taken', 409))
      return
    }
    const most = limits.socketRequests
    if (this.#running.size >= most) {
      const message = `as many requests run on this connection as the limit socketRequests of ${most}`
      this.#refuse(id, { ...badInput(null, message, 'too_many_requests', 429), type: 'rate_limit_error' })
      return
    }
    const rules = { models, promptChars: limits.promptChars, deadlineMs }
    const checked = checkPromptRequest(request, rules, 'request')
    if (!checked.ok) {
      this.#refuse(id, checked.refusal)
      return
    }
    const own = checked.value.id ?? `${this.#link.id}/${id}`
    const reply = running.submit({ ...checked.value, id: own })
    const { session } = checked.value
    this.#running.set(id, reply)
    void this.#answer(id, reply, {
      id: own,
      startedAt: clock.now(),
      route: submitRoute,
      answer: reply,
      ...(session !== undefined && { session }),
    })
  }

  /** Sends an answer as fast as the client takes it: chunks that are there together go in one message. */
  async #answer(id: string, reply: Reply<CompletionChunk>, exchange: Exchange): Promise<void> {
    try {
      const batches = reply.batches()
      const whole = new WholeChunks()
      for (;;) {
        await this.#untilRoom()
        const batch = await batches.next()
        // Others may have filled it meanwhile.
        await this.#untilRoom()
        const chunks = batch.done === true ? whole.end() : batch.value.map((chunk) => whole.push(chunk))
        if (chunks.length > 0) this.#send({ type: 'chunks', id, chunks })
        if (batch.done === true) break
      }
    } catch {
      // The outcome says what the error does.
    }
    const outcome = await reply.outcome
    this.#running.delete(id)
    const left = this.#code !== undefined
    this.#send({ type: 'outcome', id, outcome: outcomeBody(outcome) })
    const refusal = outcome.kind === 'completed' ? undefined : refusalOf(outcome)
    if (refusal !== undefined) exchange.code = refusal.code
    this.#context.log.ended(exchange, { writableFinished: !left, statusCode: refusal?.status ?? 200 })
    if (this.#context.running.state !== 'running' && this.#running.size === 0) {
      this.close(1001, 'the server is shutting down')
    }
  }

  #cancel(id: string): void {
    const reply = this.#running.get(id)
    if (reply !== undefined) reply.cancel('the client cancelled it')
    else this.#refuse(id, badInput('id', `no request ${JSON.stringify(id)} is running here`, 'unknown_id', 404))
  }

  #refuse(id: string | undefined, { status, code, message, param }: Refusal): void {
    this.#send({ type: 'error', ...(id !== undefined && { id }), error: { status, code, message, param } })
    const exchange: Exchange = {
      id: `${this.#link.id}/${id ?? ''}`,
      startedAt: this.#context.clock.now(),
      route: frameRoute,
      code,
      ...(param !== null && { param }),
    }
    this.#context.log.ended(exchange, { writableFinished: true, statusCode: status })
  }

  #send(frame: ServerFrame): void {
    if (this.#code !== undefined) return
    const { socket } = this.#link
    socket.send(JSON.stringify(frame), () => {
      this.#makeRoom()
    })
    if (socket.bufferedAmount >= 2 * this.#context.limits.socketQueuedBytes) socket.pause()
  }

  /** Until the client has taken enough of what it was sent, or is gone. */
  async #untilRoom(): Promise<void> {
    while (this.#code === undefined && this.#isFull) {
      this.#room ??= Promise.withResolvers()
      await this.#room.promise
    }
  }

  /** A connection that was broken off takes what it is given and keeps none of it, until it says that it is closed. */
  get #isFull(): boolean {
    const { socket, transport } = this.#link
    return transport.destroyed || socket.bufferedAmount >= this.#context.limits.socketQueuedBytes
  }

  #makeRoom(): void {
    if (this.#code === undefined && this.#isFull) return
    this.#room?.resolve()
    this.#room = undefined
    if (this.#link.socket.isPaused) this.#link.socket.resume()
  }

  /** Sends a sign of life when it is time, and ends the connection of a client that takes nothing. */
  readonly #look = (): void => {
    const { clock, heartbeatMs, limits } = this.#context
    const { socket, transport } = this.#link
    const now = clock.now()
    const takenBytes = transport.bytesWritten - transport.writableLength
    const owed = !this.#ponged || socket.bufferedAmount > 0
    if (!owed || takenBytes !== this.#takenBytes) {
      this.#takenBytes = takenBytes
      this.#takenAt = now
    } else if (now - this.#takenAt >= limits.unreadTimeoutMs) {
      this.close(1008, `nothing was read within the limit unreadTimeoutMs of ${limits.unreadTimeoutMs} ms`)
      return
    }
    if (this.#ponged && now - this.#pingedAt >= heartbeatMs) {
      this.#pingedAt = now
      this.#ponged = false
      socket.ping()
    }
    this.#timer = clock.setTimeout(this.#look, Math.min(heartbeatMs, limits.unreadTimeoutMs / 4))
  }
}
