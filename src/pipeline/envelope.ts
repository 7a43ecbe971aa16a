import { isObservable, Observable, type Subscriber, Subscription, takeWhile } from 'rxjs'
import {
  checkNumber,
  type Claim,
  type Linked,
  type ShedReason,
  type TimerWheel,
  WheelTimer,
  messageOf,
} from '../../operators/index.ts'
import { CancelledError, ExpiredError, ShedError, StageError } from './errors.ts'
import type { Origin, Outcome, OutcomeKind } from './outcome.ts'
import { PullReader } from './pull-reader.ts'
import { alreadyConsumed, overrun } from './reader-errors.ts'
import type { Reply } from './reply.ts'
import type { StartSettings } from './start-options.ts'
import type { Turn } from './session-turns.ts'
import type { Teller, Told } from './teller.ts'
import type { TimeOfDay } from './time-of-day.ts'

/** Where a request is: `pending` before a stage that has no room, `waiting` in its channel. */
export type Place = 'outside' | 'pending' | 'waiting' | 'running' | 'through'

/** What an envelope needs of the pipeline that carries it. */
export interface EnvelopeHost<Run> {
  readonly instanceId: string
  readonly timeOfDay: TimeOfDay
  readonly wheel: TimerWheel
  readonly teller: Teller
  readonly settings: Pick<StartSettings, 'streamBuffer' | 'stallTimeoutMs'>
  now(): number
  stageName(index: number): string
  complete(envelope: Envelope<Run>): void
  /** The stream that came out of the last stage failed. */
  failStream(envelope: Envelope<Run>, error: unknown): void
  cancel(envelope: Envelope<Run>, reason: unknown): void
  due(envelope: Envelope<Run>): void
}

/**
 * A request on its way: everything that the runtime knows of it, the timer of its deadlines, and the reply
 * that its caller holds. One object, made once.
 *
 * @typeParam Run A stage's run of its handler on it.
 */
export class Envelope<Run> extends WheelTimer implements Reply<unknown>, Told, Linked {
  readonly request: unknown
  readonly submittedAt: number
  readonly deadlineMs: number
  private readonly host: EnvelopeHost<Run>
  private readonly number: number

  place: Place = 'outside'
  /** The index of the stage where it is, the last one's when it is through. */
  stage = 0
  /** What the next stage is given; in the end the answer. */
  value: unknown
  /** When it came to the stage. */
  arrivedAt: number
  /** Units of the stage's capacity that it takes up, where the stage weighs requests. */
  weight = 1
  /** Higher starts first, where the stage ranks requests; where tenants share it, `claim` says whose it is. */
  priority = 0
  claim: Claim | undefined
  /** The first stage in whose channel it still has a place reserved; -1: in none. */
  reservedFrom = -1
  /** Takes it out of the line for room in which it is pending. */
  waiter: { leave(): void } | undefined
  /** Its turn in its session, where requests of one are served one after the other. */
  turn: Turn<this> | undefined
  /** Its run in the stage where it is. */
  run: Run | undefined
  /** The run whose stream it carries. */
  source: Run | undefined
  /** When the handler that runs has to have given something. */
  timeoutAt: number = Infinity
  /** When the stream that was opened has to have given its first chunk. */
  firstChunkAt: number = Infinity
  /** A crash has put it back, which happens once. */
  putBack = false
  private stallAt = Infinity
  private heldUntil = -Infinity
  /** Its neighbours among the requests that have not ended. */
  next: this | undefined = undefined
  previous: this | undefined = undefined
  listed = false

  kind: OutcomeKind | undefined
  announced = false
  private endedAt = 0
  /** The error, the breaker's refusal, the reason of a cancellation, or the `ttlMs` for which it waited. */
  private detail: unknown
  private shedReason: ShedReason = 'full'
  private retryAfterMs = 0
  private taken = 0

  private consumed = false
  private reader: Subscriber<unknown> | PullReader<unknown> | undefined
  private subscription: Subscription | undefined
  private sourceDone = false
  private made: Outcome<unknown> | undefined
  private promise: Promise<Outcome<unknown>> | undefined
  private resolve: ((outcome: Outcome<unknown>) => void) | undefined

  constructor(host: EnvelopeHost<Run>, request: unknown, number: number, submittedAt: number, deadlineMs: number) {
    super()
    this.host = host
    this.request = request
    this.value = request
    this.number = number
    this.submittedAt = submittedAt
    this.arrivedAt = submittedAt
    this.deadlineMs = deadlineMs
  }

  // The caller's side

  get id(): string {
    const { request } = this
    const own = typeof request === 'object' && request !== null && 'id' in request ? request.id : undefined
    return typeof own === 'string' && own !== '' ? own : this.submissionId
  }

  get submissionId(): string {
    return `${this.host.instanceId}-${this.number}`
  }

  get settled(): Outcome<unknown> | undefined {
    if (this.kind === undefined) return undefined
    this.made ??= this.toOutcome(this.kind)
    return this.made
  }

  get outcome(): Promise<Outcome<unknown>> {
    this.promise ??= new Promise((resolve) => {
      const { settled } = this
      if (settled === undefined) this.resolve = resolve
      else resolve(settled)
    })
    return this.promise
  }

  get output$(): Observable<unknown> {
    return new Observable((subscriber) => {
      if (this.consumed) {
        subscriber.error(alreadyConsumed(this.id))
        return
      }
      this.consumed = true
      this.reader = subscriber
      if (this.kind !== undefined) {
        this.host.teller.tell(this)
        return
      }
      subscriber.add(() => {
        this.cancel('the reader unsubscribed')
      })
      this.open()
    })
  }

  batches(): AsyncIterableIterator<readonly unknown[]> {
    return this.pull(Infinity)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<unknown, void, undefined> {
    // One at a time, so that a chunk counts as taken when its reader has it.
    for await (const batch of this.pull(1)) yield batch[0]
  }

  /** Reads at most so many chunks at once. */
  private pull(most: number): AsyncIterableIterator<readonly unknown[]> {
    if (this.consumed) throw alreadyConsumed(this.id)
    this.consumed = true
    const reader = new PullReader<unknown>(this.host.settings.streamBuffer, (count) => {
      this.took(count)
    })
    this.reader = reader
    let valueTaken = false
    let returned = false
    const end = (): IteratorResult<readonly unknown[], undefined> => {
      if (this.kind !== 'completed') throw this.toError()
      if (valueTaken || this.streamed) return { done: true, value: undefined }
      valueTaken = true
      return { done: false, value: [this.value] }
    }
    const iterator: AsyncIterableIterator<readonly unknown[], undefined> = {
      next: async () => {
        if (returned) return { done: true, value: undefined }
        if (this.kind !== undefined && reader.size === 0) return end()
        this.open()
        this.stallAt = Infinity
        const batch = await reader.ask(most)
        if (batch.length === 0) return end()
        return { done: false, value: batch }
      },
      return: () => {
        returned = true
        this.cancel('the reader stopped')
        return Promise.resolve({ done: true, value: undefined })
      },
      [Symbol.asyncIterator]: () => iterator,
    }
    return iterator
  }

  hold(ms: number): void {
    const now = this.host.now()
    this.heldUntil = now + checkNumber('ms', ms)
    if (this.kind === undefined && this.stallAt !== Infinity) this.watchReader(now)
  }

  cancel(reason: unknown = 'cancelled by the caller'): void {
    if (this.kind === undefined) this.host.cancel(this, reason)
  }

  // The runtime's side

  /** Who submitted it. */
  get origin(): Origin {
    return 'client'
  }

  /** It carries a stream, or did. */
  get streamed(): boolean {
    return this.source !== undefined && isObservable(this.value)
  }

  /** Its reader has been given a part of the stream. */
  get begun(): boolean {
    return this.taken > 0 || this.hasUnread
  }

  /** It has come out of the last stage as a stream: it is opened by its reader, if that comes in time. */
  streamReady(now: number): void {
    this.watchReader(now)
    if (this.reader !== undefined && !(this.reader instanceof PullReader && !this.reader.waiting)) this.open()
  }

  /** Its reader, where that sets the pace. */
  get pacemaker(): PullReader<unknown> | undefined {
    return this.kind === undefined && this.reader instanceof PullReader ? this.reader : undefined
  }

  /** Sets the wheel to the first of its deadlines. */
  arm(): void {
    const next = Math.min(this.submittedAt + this.deadlineMs, this.timeoutAt, this.firstChunkAt, this.stallAt)
    if (next < this.dueAt) this.host.wheel.set(this, next)
  }

  override onDue(): void {
    this.host.due(this)
  }

  /** Its reader has left chunks unread for too long; asked when the time has come. */
  isStalled(now: number): boolean {
    if (this.stallAt > now) return false
    const unread = this.subscription === undefined || (this.reader instanceof PullReader && this.reader.size > 0)
    if (!unread) this.stallAt = now + this.host.settings.stallTimeoutMs
    return unread
  }

  /** Marks its one end; `false` when it has ended before. */
  end(kind: OutcomeKind, now: number, detail: unknown): boolean {
    if (this.kind !== undefined) return false
    this.kind = kind
    this.endedAt = now
    this.detail = detail
    if (this.dueAt !== Infinity) this.host.wheel.delete(this)
    return true
  }

  /** @param refusedBy What its caller can be told of the breaker that refused it. */
  endShed(now: number, stage: number, reason: ShedReason, retryAfterMs: number, refusedBy?: Error): void {
    this.stage = stage
    this.shedReason = reason
    this.retryAfterMs = retryAfterMs
    this.end('shed', now, refusedBy)
  }

  /** Tells whoever waits for it, once the books are done. */
  tell(): void {
    this.subscription?.unsubscribe()
    if (this.reader !== undefined) this.tellReader()
    if (this.resolve !== undefined && this.settled !== undefined) this.resolve(this.settled)
  }

  /** The outcome as the error that a reader gets. */
  private toError(): Error {
    const stage = this.host.stageName(this.stage)
    switch (this.kind) {
      case 'shed':
        return new ShedError(
          stage,
          this.shedReason,
          this.retryAfterMs,
          this.detail === undefined ? undefined : { cause: this.detail },
        )
      case 'failed':
        if (this.detail instanceof StageError) return this.detail
        return new StageError(stage, `failed: ${messageOf(this.detail)}`, { cause: this.detail })
      case 'expired':
        return typeof this.detail === 'number'
          ? new ExpiredError(stage, this.detail, 'ttl')
          : new ExpiredError(stage, this.deadlineMs)
      case 'cancelled':
      case 'completed':
      case undefined:
        return new CancelledError(`the request was cancelled: ${messageOf(this.detail)}`, { cause: this.detail })
    }
  }

  protected toOutcome(kind: OutcomeKind): Outcome<unknown> {
    const timings = {
      submittedAt: this.host.timeOfDay.at(this.submittedAt, this.endedAt),
      durationMs: this.endedAt - this.submittedAt,
    }
    const { id, submissionId } = this
    // The usual end of a pipeline of values, made in one piece.
    if (kind === 'completed' && !this.streamed) return { kind, value: this.value, chunks: 0, id, submissionId, timings }
    const settled = { id, submissionId, timings }
    const stage = this.host.stageName(this.stage)
    switch (kind) {
      case 'completed':
        return { kind, chunks: this.taken, ...settled }
      case 'shed':
        return { kind, stage, reason: this.shedReason, retryAfterMs: this.retryAfterMs, ...settled }
      case 'failed':
        return { kind, stage, error: this.detail, ...settled }
      case 'expired':
        return { kind, stage, reason: this.detail === undefined ? 'deadline' : 'ttl', ...settled }
      case 'cancelled':
        return { kind, reason: this.detail, ...settled }
    }
  }

  private tellReader(): void {
    const { reader } = this
    if (reader instanceof PullReader) {
      if (this.kind === 'cancelled') reader.clear()
      reader.end()
    } else if (this.kind === 'completed') {
      if (!this.streamed) reader?.next(this.value)
      reader?.complete()
    } else {
      reader?.error(this.toError())
    }
  }

  /** Subscribes the stream, when it is there and has a reader. */
  private open(): void {
    if (this.place !== 'through' || this.subscription !== undefined || !isObservable(this.value)) return
    if (!(this.reader instanceof PullReader)) this.stallAt = Infinity
    const stream$ = this.value
    // Assigned before the first chunk, which a stream may give while it is being subscribed.
    this.subscription = new Subscription()
    this.subscription.add(
      // Also a source that gives all that it has while it is being subscribed stops when the request has ended.
      stream$.pipe(takeWhile(() => this.kind === undefined)).subscribe({
        next: (chunk) => {
          this.receive(chunk)
        },
        error: (error: unknown) => {
          if (this.kind === undefined) this.host.failStream(this, error)
        },
        complete: () => {
          this.sourceDone = true
          if (this.kind === undefined && !this.hasUnread) this.host.complete(this)
        },
      }),
    )
  }

  private get hasUnread(): boolean {
    return this.reader instanceof PullReader && this.reader.size > 0
  }

  private receive(chunk: unknown): void {
    const { reader } = this
    if (reader instanceof PullReader) {
      if (!reader.receive(chunk)) this.host.failStream(this, overrun(this.host.settings.streamBuffer))
    } else {
      this.taken += 1
      reader?.next(chunk)
    }
  }

  private took(count: number): void {
    this.taken += count
    if (this.kind !== undefined) return
    if (this.sourceDone && !this.hasUnread) this.host.complete(this)
    else this.watchReader(this.host.now())
  }

  /** The reader's time runs, from now on or from when it is expected back. */
  private watchReader(now: number): void {
    this.stallAt = Math.max(now, this.heldUntil) + this.host.settings.stallTimeoutMs
    this.arm()
  }
}
