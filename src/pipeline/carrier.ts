import { isObservable, type Observable, Subject } from 'rxjs'
import { StageRunner } from '../../actors/index.ts'
import {
  Channel,
  ChannelClosedError,
  type ItemEnd,
  LinkedList,
  show,
  type ShedReason,
  SpillwayError,
  TimerWheel,
} from '../../operators/index.ts'
import type { Handler } from '../handler.ts'
import { InferenceMeter } from '../metrics/inference-meter.ts'
import { deadlineOf } from './deadline-of.ts'
import { Envelope, type EnvelopeHost } from './envelope.ts'
import { StageTimeoutError } from './errors.ts'
import { Grace } from './grace.ts'
import { LedgerBook } from './ledger.ts'
import type { Outcome, OutcomeKind } from './outcome.ts'
import { RequestLog } from './request-log.ts'
import { type Carried, type Stage, StageContext } from './stage-context.ts'
import { countUp, StageNode } from './stage-node.ts'
import type { StageSettings } from './stage-options.ts'
import type { StartSettings } from './start-options.ts'
import { supervisedStream } from './supervised-stream.ts'

/** A stage as it was defined. */
export interface StageDefinition {
  readonly name: string
  readonly handler: Handler<unknown, unknown>
  readonly settings: StageSettings
}

/** The data plane of a pipeline: carries requests from stage to stage and sees to it that each ends once. */
export class Carrier implements EnvelopeHost<StageContext> {
  readonly nodes: readonly Stage[]
  readonly book: LedgerBook = new LedgerBook()
  /** How every request ends; nothing is made for it while nobody listens. */
  readonly outcomes$: Observable<Outcome<unknown>>
  readonly meter: InferenceMeter = new InferenceMeter()
  readonly instanceId: string = crypto.randomUUID().slice(0, 8)
  readonly wallOffset: number
  readonly wheel: TimerWheel
  readonly streamBuffer: number
  readonly stallTimeoutMs: number
  private readonly settings: StartSettings
  private readonly outcomes = new Subject<Outcome<unknown>>()
  private readonly log: RequestLog
  private readonly reserves: boolean
  /** Requests that carry a stream. */
  private readonly streams = new LinkedList<Carried>()
  private submissions = 0
  /** The envelope that is being offered: if it starts now, it starts when it arrived. */
  private arriving: Carried | undefined

  constructor(stages: readonly StageDefinition[], settings: StartSettings) {
    const { clock, logger } = settings
    this.settings = settings
    this.wallOffset = clock.wallTime() - clock.now()
    this.wheel = new TimerWheel(clock)
    this.streamBuffer = settings.streamBuffer
    this.stallTimeoutMs = settings.stallTimeoutMs
    this.reserves = settings.admission === 'door'
    this.log = new RequestLog(clock, logger)
    this.outcomes$ = this.outcomes.asObservable()
    this.nodes = stages.map((stage, index) => this.createNode(stage, index))
  }

  /**
   * Takes a request in, or turns it away.
   *
   * @param refusal Why nothing is let in at present, if so.
   */
  submit(request: unknown, refusal?: ShedReason): Carried {
    const now = this.now()
    const deadlineMs = deadlineOf(request)
    this.book.submit()
    const envelope = new Envelope(this, request, ++this.submissions, now, deadlineMs)
    const first = this.nodes[0] as Stage
    if (refusal !== undefined) {
      this.shed(envelope, first, refusal)
    } else if (!(deadlineMs > 0)) {
      const bad = show((request as { deadlineMs: unknown }).deadlineMs)
      const message = `deadlineMs must be a number of milliseconds, more than 0, got ${bad}`
      this.end(envelope, 'failed', new RangeError(message))
    } else {
      this.admit(envelope, first, now)
    }
    return envelope
  }

  /** Ends everything that is in flight as failed. */
  failAll(errorAt: (node: Stage) => unknown, blamed?: Stage): number {
    const before = this.book.snapshot().failed
    for (const node of this.nodes) {
      const waiting = node.channel.discard()
      for (const envelope of waiting) this.fail(envelope, blamed ?? node, errorAt(node))
      for (const run of [...node.runner.runs]) this.fail(run.item, blamed ?? node, errorAt(node))
    }
    for (const envelope of [...this.streams]) {
      const { node } = envelope.source as StageContext
      this.fail(envelope, blamed ?? node, errorAt(node))
    }
    return this.book.snapshot().failed - before
  }

  /** A stage is down: a stream that passes through it cannot go on. */
  failStreamsThrough(node: Stage, error: unknown): void {
    for (const envelope of [...this.streams]) {
      const source = envelope.source as StageContext
      if (source.node.index <= node.index && (envelope.stage > node.index || envelope.place === 'through')) {
        this.fail(envelope, node, error)
      }
    }
  }

  /** Ends the outcomes and writes what the log still owes. */
  close(): void {
    this.log.flush()
    this.outcomes.complete()
  }

  // What an envelope asks of its pipeline

  now(): number {
    return this.settings.clock.now()
  }

  stageName(index: number): string {
    return (this.nodes[index] as Stage).name
  }

  complete(envelope: Carried): void {
    this.end(envelope, 'completed', undefined)
  }

  cancel(envelope: Carried, reason: unknown): void {
    this.end(envelope, 'cancelled', reason)
  }

  failStream(envelope: Carried, error: unknown): void {
    this.fail(envelope, this.nodes.at(-1) as Stage, error)
  }

  due(envelope: Carried): void {
    const now = this.now()
    if (envelope.submittedAt + envelope.deadlineMs <= now) {
      this.end(envelope, 'expired', undefined)
    } else if (envelope.timeoutAt <= now || envelope.firstChunkAt <= now) {
      const { node } = (envelope.timeoutAt <= now ? envelope.run : envelope.source) as StageContext
      this.fail(envelope, node, new StageTimeoutError(node.name, node.settings.timeoutMs))
    } else if (envelope.isStalled(now)) {
      this.end(envelope, 'cancelled', `the reply was not read for ${this.stallTimeoutMs} ms (stallTimeoutMs)`)
    } else {
      envelope.arm()
    }
  }

  // The way of a request

  private admit(envelope: Carried, first: Stage, now: number): void {
    if (this.reserves) {
      for (const node of this.nodes) {
        if (node.full) {
          this.shed(envelope, node, 'door')
          return
        }
      }
      for (const node of this.nodes) node.ahead += 1
    }
    if (envelope.deadlineMs !== Infinity) envelope.arm()
    this.enter(envelope, first, now)
  }

  /** Brings a request to a stage. */
  private enter(envelope: Carried, node: Stage, now: number): void {
    envelope.stage = node.index
    envelope.arrivedAt = now
    envelope.run = undefined
    envelope.place = 'waiting'
    this.arriving = envelope
    let verdict: 'accepted' | 'shed' | 'closed'
    if (this.reserves) {
      node.ahead -= 1
      // Past the door there is a place for it, even while the stage is down.
      verdict = node.channel.admit(envelope)
    } else {
      verdict = node.channel.offer(envelope)
    }
    this.arriving = undefined
    if (verdict === 'accepted') return
    envelope.place = 'outside'
    this.giveBackReservations(envelope)
    if (verdict === 'shed') this.shed(envelope, node, node.state === 'running' ? 'full' : 'stage-down')
    else this.fail(envelope, node, new ChannelClosedError(`the channel of stage ${show(node.name)} is closed`))
  }

  /** The stage begins with a request: it has a slot. */
  private begin(envelope: Carried, attempt: number, node: Stage): StageContext {
    const now = this.arriving === envelope ? envelope.arrivedAt : this.now()
    this.arriving = undefined
    const run = new StageContext(envelope, attempt, node, now)
    if (envelope.putBack) run.lastChance = true
    envelope.run = run
    envelope.place = 'running'
    node.wait.observe(now - envelope.arrivedAt)
    if (node.settings.timeoutMs !== Infinity) {
      envelope.timeoutAt = now + node.settings.timeoutMs
      envelope.arm()
    }
    return run
  }

  /** A stage's handler gave something: its slot is free, unless it gave a stream that keeps it. */
  private handOn(value: unknown, run: StageContext): void {
    const { item: envelope, node } = run
    const now = this.now()
    node.latency.observe(now - run.startedAt)
    if (run.state !== 'held') node.slotFreed(now - run.startedAt)
    if (envelope.kind !== undefined) {
      this.forgetGrace(run)
      return
    }
    node.processed += 1
    envelope.value = run.state === 'held' ? this.watchStream(value as Observable<unknown>, run, now) : value
    envelope.timeoutAt = Infinity
    const next = this.nodes[node.index + 1]
    if (next !== undefined) {
      this.enter(envelope, next, now)
    } else {
      envelope.run = undefined
      envelope.place = 'through'
      if (envelope.streamed) envelope.streamReady(now)
      else this.end(envelope, 'completed', undefined, undefined, now)
    }
  }

  /** Watches the stream that a stage made of a value; the stage's slot lasts as long as the stream. */
  private watchStream(stream$: Observable<unknown>, run: StageContext, now: number): Observable<unknown> {
    const { item: envelope, node } = run
    run.earlier = envelope.source
    run.streaming = true
    envelope.source = run
    this.streams.add(envelope)
    const firstChunkMs = envelope.timeoutAt - now
    return supervisedStream(stream$, {
      onOpen: () => {
        if (firstChunkMs === Infinity || envelope.kind !== undefined) return
        envelope.firstChunkAt = this.now() + firstChunkMs
        envelope.arm()
      },
      onAwaited: () => {
        envelope.firstChunkAt = Infinity
      },
      onEnd: (failure) => {
        if (run.state !== 'held') return
        this.freeHeld(run)
        if (failure === undefined) node.runner.end(run, 'completed')
        else node.runner.fail(run, failure.thrown)
      },
    })
  }

  private freeHeld(run: StageContext): void {
    const now = this.now()
    run.node.slotFreed(now - run.startedAt)
    run.node.streamDuration.observe(now - run.startedAt)
  }

  /** A stage's handler failed, or the stream that it made. */
  private handlerFailed(error: unknown, run: StageContext): void {
    const { item: envelope, node } = run
    const now = this.now()
    if (!run.streaming) {
      node.latency.observe(now - run.startedAt)
      node.slotFreed(now - run.startedAt)
    }
    this.forgetGrace(run)
    this.fail(envelope, node, error)
  }

  /** A crash has put a request back before those that wait. */
  private putBack({ item: envelope }: StageContext): void {
    envelope.putBack = true
    envelope.run = undefined
    envelope.place = 'waiting'
    envelope.arrivedAt = this.now()
    envelope.timeoutAt = Infinity
  }

  // The ends of a request

  private fail(envelope: Carried, node: Stage, error: unknown): void {
    if (envelope.kind !== undefined) return
    countUp(node.errors, error instanceof SpillwayError ? error.code : 'stage_failed')
    this.end(envelope, 'failed', error, node)
  }

  private shed(envelope: Carried, node: Stage, reason: ShedReason): void {
    if (envelope.kind !== undefined) return
    countUp(node.shed, reason)
    envelope.endShed(this.now(), node.index, reason, node.retryAfterMs)
    // The stage that made its stream still has a slot for it.
    this.leave(envelope, 'shed', undefined)
    this.log.shed(envelope, node.name, reason, node.channel.size)
    this.settle(envelope, 'shed')
  }

  private end(envelope: Carried, kind: OutcomeKind, detail: unknown, node?: Stage, now = this.now()): void {
    if (!envelope.end(kind, now, detail)) return
    this.leave(envelope, kind, detail)
    if (node !== undefined) envelope.stage = node.index
    if (kind === 'failed') this.log.failed(envelope, this.stageName(envelope.stage), detail)
    this.settle(envelope, kind)
  }

  /** Takes a request that has ended off its way: gives back its place, its slot and its reservations. */
  private leave(envelope: Carried, kind: OutcomeKind, detail: unknown): void {
    const { run, source } = envelope
    const itemEnd: ItemEnd = kind === 'shed' ? 'discarded' : kind
    if (source !== undefined) this.streams.delete(envelope)
    for (let made = source; made !== undefined; made = made.earlier) {
      if (made.state === 'held') {
        this.freeHeld(made)
        made.node.runner.end(made, itemEnd)
      }
      if (kind !== 'completed') made.abort(detail)
    }
    const node = this.nodes[envelope.stage] as Stage
    if (envelope.place === 'waiting') node.runner.withdraw(envelope, itemEnd)
    if (envelope.place === 'running' && run !== undefined) this.callOff(run, detail ?? kind)
    if (envelope.place === 'waiting' || envelope.place === 'running') this.giveBackReservations(envelope)
    envelope.place = 'outside'
  }

  private giveBackReservations(envelope: Carried): void {
    if (!this.reserves) return
    for (let index = envelope.stage + 1; index < this.nodes.length; index++) (this.nodes[index] as Stage).ahead -= 1
  }

  /** Aborts a handler; if it does not return in time, its slot is taken back. */
  private callOff(run: StageContext, reason: unknown): void {
    const { runner } = run.node
    runner.callOff(run, reason)
    if (run.state !== 'called-off') return
    run.grace = new Grace(() => {
      // A crash of the stage may have ended it first.
      if (run.state === 'ended') return
      run.node.abandoned += 1
      run.node.slotFreed(this.now() - run.startedAt)
      runner.end(run, 'cancelled')
    })
    this.wheel.set(run.grace, this.now() + this.settings.abortGraceMs)
  }

  private forgetGrace(run: StageContext): void {
    if (run.grace !== undefined) this.wheel.delete(run.grace)
  }

  /** The books first, then those who wait. */
  private settle(envelope: Carried, kind: OutcomeKind): void {
    this.book.end(kind)
    envelope.tell()
    if (this.outcomes.observed && envelope.settled !== undefined) this.outcomes.next(envelope.settled)
  }

  private createNode({ name, handler, settings }: StageDefinition, index: number): Stage {
    const { clock, logger, scale } = this.settings
    const { concurrency, overflow } = settings
    const capacity = settings.capacity === 0 ? 0 : Math.max(1, Math.round(settings.capacity * scale))
    const channel = new Channel<Carried>({
      capacity,
      concurrency,
      overflow,
      onEvicted: (envelope) => {
        envelope.place = 'outside'
        this.giveBackReservations(envelope)
        this.shed(envelope, this.nodes[index] as Stage, 'evicted')
      },
    })
    return new StageNode(index, name, settings, { clock, logger, meter: this.meter, channel }, (node) => {
      return new StageRunner<Carried, unknown, StageContext>((envelope, run) => handler(envelope.value, run), {
        channel,
        createRun: (envelope, attempt) => this.begin(envelope, attempt, node),
        holds: (value, run) => isObservable(value) && !isObservable(run.item.value),
        onValue: (value, run) => {
          this.handOn(value, run)
        },
        onError: (error, run) => {
          this.handlerFailed(error, run)
        },
        onPutBack: (run) => {
          this.putBack(run)
        },
      })
    })
  }
}
