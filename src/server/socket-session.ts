import type { Buffer } from 'node:buffer'
import type { Socket } from 'node:net'
import type { TimerHandle } from '../../operators/index.ts'
import type { Outcome } from '../pipeline/outcome.ts'
import type { Reply } from '../pipeline/reply.ts'
import type { CompletionChunk } from '../workers/model-worker.ts'
import { clientCancelled, ClientEnding, clientLeft } from './client-ending.ts'
import type { Exchange } from './exchange.ts'
import { joined } from './joined.ts'
import { parseJsonBody } from './json-body.ts'
import { outcomeBody } from './outcome-body.ts'
import { refusalOf } from './outcome-refusal.ts'
import { checkPromptRequest } from './prompt-body.ts'
import { badInput, type Refusal } from './refusal.ts'
import type { ServerContext } from './server-context.ts'
import { SilenceWatch } from './silence-watch.ts'
import { checkFrame, type ClientFrame, frameId, type ServerFrame } from './socket-frames.ts'
import type { TellingSocket } from './telling-socket.ts'
import { WholeChunks } from './whole-chunks.ts'

/** Where requests that come on a WebSocket are counted. */
const submitRoute = '/v1/stream#submit'
const frameRoute = '/v1/stream#frame'

/** How the server closes a connection. @see https://www.iana.org/assignments/websocket */
const goingAway = 1001
const protocolError = 1002
const invalidText = 1007
const policyViolation = 1008
const messageTooBig = 1009
const internalError = 1011
const tryAgainLater = 1013
/** In the books only: it was broken off. */
const abnormalClosure = 1006

/** With these the client is the cause. */
const clientsFaults: readonly number[] = [protocolError, invalidText, policyViolation, messageTooBig]

const shuttingDown = 'the server is shutting down'
const pipelineFailed = 'the pipeline has failed'

/** Milliseconds that a client has to answer a close frame. */
const closeTimeoutMs = 5_000

/** A connection on which a session speaks. */
export interface SessionLink {
  readonly socket: TellingSocket
  /** What lies beneath, to see what the client has taken. */
  readonly transport: Socket
  /** The id of the request that opened it. */
  readonly id: string
  /** Logs that the server failed, and says what the client is told. */
  readonly reportFault: (error: unknown) => Refusal
}

/** A request that runs on a connection. */
interface RunningRequest {
  readonly reply: Reply<CompletionChunk>
  readonly exchange: Exchange
}

/**
 * One WebSocket: many requests, each named by the client, answered as they come.
 *
 * While more than `socketQueuedBytes` wait for the client nothing is pulled from any answer, and while more than
 * twice that wait, which its own frames have caused, nothing is read from it either. The end of the connection
 * cancels what runs on it; where the server ends it, the outcomes are told first.
 */
export class SocketSession {
  readonly #link: SessionLink
  readonly #context: ServerContext
  readonly #running = new Map<string, RunningRequest>()
  /** What it was closed with from here. */
  #code: number | undefined
  #room: PromiseWithResolvers<void> | undefined
  readonly #watch: SilenceWatch
  /** Cuts off a client that does not answer the close frame. */
  #cut: TimerHandle
  #second = -Infinity
  #messages = 0

  constructor(link: SessionLink, context: ServerContext, onEnd: (code: number) => void) {
    this.#link = link
    this.#context = context
    const { socket, transport } = link
    const { clock, heartbeatMs, limits } = context
    socket.on('message', (data, isBinary) => {
      this.#receive(data as Buffer, isBinary)
    })
    socket.on('ping', () => {
      this.#count()
    })
    socket.onFault = (code) => {
      this.close(code, this.#faultOf(code))
    }
    socket.on('error', () => {
      // Of a fault the client has been told; after any other error the connection is over.
      this.#end(abnormalClosure, clientLeft)
    })
    socket.on('close', (code) => {
      this.#end(code, clientLeft)
      clock.clearTimeout(this.#cut)
      onEnd(this.#code ?? code)
    })
    const { unreadTimeoutMs } = limits
    const onSilent = (): void => {
      this.close(policyViolation, `nothing was read within the limit unreadTimeoutMs of ${unreadTimeoutMs} ms`)
    }
    this.#watch = new SilenceWatch({ socket, transport, clock, heartbeatMs, unreadTimeoutMs, onSilent })
    // A browser hears nothing of a status in place of the handshake; a code it does.
    const { state } = context.running
    if (state === 'failed') this.close(internalError, pipelineFailed)
    else if (state !== 'running') this.close(tryAgainLater, `${shuttingDown}; try again later`)
  }

  /** Closes the connection because the server ends. */
  goodbye(): void {
    if (this.#context.running.state === 'failed') this.close(internalError, pipelineFailed)
    else this.close(goingAway, shuttingDown)
  }

  /** Cancels what runs on the connection, tells the outcomes, and closes it with a code and the reason, at most 123 bytes. */
  close(code: number, reason: string): void {
    if (this.#code !== undefined) return
    const because = clientsFaults.includes(code) ? new ClientEnding(reason) : reason
    for (const [id, request] of this.#running) {
      const { reply } = request
      reply.cancel(because)
      const { settled } = reply
      // Of an answer that is complete something may still wait to be sent.
      if (settled !== undefined)
        this.#finish(
          id,
          request,
          settled.kind === 'completed' ? { ...settled, kind: 'cancelled', reason: because } : settled,
        )
    }
    this.#link.socket.close(code, reason)
    this.#end(code, because)
  }

  /** Breaks the connection off. */
  cut(): void {
    this.#link.socket.terminate()
  }

  #end(code: number, reason: unknown): void {
    if (this.#code !== undefined) return
    this.#code = code
    this.#watch.stop()
    this.#cut = this.#context.clock.setTimeout(() => {
      this.cut()
    }, closeTimeoutMs)
    for (const { reply } of [...this.#running.values()]) reply.cancel(reason)
    this.#makeRoom()
  }

  /** What the client did that the library closes the connection for. */
  #faultOf(code: number): string {
    switch (code) {
      case messageTooBig:
        return `a message is larger than the limit socketMessageBytes of ${this.#context.limits.socketMessageBytes} bytes`
      case invalidText:
        return 'a message is not valid UTF-8'
      case policyViolation:
        return 'a message came in too many pieces'
      default:
        return 'a frame is not valid'
    }
  }

  #receive(data: Buffer, isBinary: boolean): void {
    if (this.#code !== undefined || !this.#count()) return
    try {
      this.#heed(data, isBinary)
    } catch (error) {
      this.close(internalError, this.#link.reportFault(error).message)
    }
  }

  #heed(data: Buffer, isBinary: boolean): void {
    if (isBinary) {
      this.#refuse(undefined, badInput(null, 'a frame must be text, got a binary one', 'invalid_type'))
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
    this.close(policyViolation, `more messages in a second than the limit socketMessagesPerSecond of ${most}`)
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
    const submitted = {
      reply,
      exchange: {
        id: own,
        startedAt: clock.now(),
        route: submitRoute,
        answer: reply,
        ...(session !== undefined && { session }),
      },
    }
    this.#running.set(id, submitted)
    void this.#answer(id, submitted)
  }

  /** Sends an answer as fast as the client takes it: chunks that are there together go in one message, up to its size. */
  async #answer(id: string, request: RunningRequest): Promise<void> {
    const { reply } = request
    let fault: Refusal | undefined
    try {
      const batches = reply.batches()
      const whole = new WholeChunks()
      for (;;) {
        await this.#untilRoom()
        const batch = await batches.next()
        const chunks = batch.done === true ? whole.end() : batch.value.map((chunk) => whole.push(chunk))
        const written = chunks.map((chunk) => JSON.stringify(chunk))
        for (const list of joined(written, ',')) {
          // Others may have filled it meanwhile.
          await this.#untilRoom()
          this.#say(`{"type":"chunks","id":${JSON.stringify(id)},"chunks":[${list}]}`)
        }
        if (batch.done === true) break
      }
    } catch (error) {
      // Where the request has ended badly the outcome says what the error does.
      if (reply.settled === undefined || reply.settled.kind === 'completed') fault = this.#link.reportFault(error)
      reply.cancel('the server failed')
    }
    this.#finish(id, request, await reply.outcome, fault)
    if (this.#context.running.state !== 'running' && this.#running.size === 0) this.goodbye()
  }

  /** Tells how a request has ended, unless that has been told. */
  #finish(id: string, request: RunningRequest, outcome: Outcome<unknown>, fault?: Refusal): void {
    if (this.#running.get(id) !== request) return
    this.#running.delete(id)
    const { exchange } = request
    const left = this.#code !== undefined
    this.#send({ type: 'outcome', id, outcome: outcomeBody(outcome, fault) })
    const refusal = fault ?? (outcome.kind === 'completed' ? undefined : refusalOf(outcome))
    if (refusal !== undefined) exchange.code = refusal.code
    this.#context.log.ended(exchange, { writableFinished: !left, statusCode: refusal?.status ?? 200 })
  }

  #cancel(id: string): void {
    const request = this.#running.get(id)
    if (request !== undefined) request.reply.cancel(clientCancelled)
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
    this.#say(JSON.stringify(frame))
  }

  #say(text: string): void {
    if (this.#code !== undefined) return
    const { socket } = this.#link
    socket.send(text, () => {
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
}
