import { defer, isObservable, mergeMap, Observable, type OperatorFunction, startWith, Subject } from 'rxjs'
import { createActor, type Actor } from 'xstate'
import { fromRunner, StageRunner, supervise, type SupervisorLogic } from '../../actors/index.ts'
import { Channel, ChannelClosedError, checkNumber, type ItemEnd, show, type ShedReason, SpillwayError, TimerWheel, WheelTimer } from '../../operators/index.ts'
import type { Handler } from '../handler.ts'
import { sessionDigest } from '../session-digest.ts'
import { DrainTimeoutError, StageError, StageTimeoutError } from './errors.ts'
import { Envelope, type EnvelopeHost } from './envelope.ts'
import { LedgerBook } from './ledger.ts'
import type { Outcome, OutcomeKind } from './outcome.ts'
import { registerPipelineMetrics } from './pipeline-metrics.ts'
import type { Reply } from './reply.ts'
import type { DrainReport, Ledger, PipelineEvent, PipelineState, Running, StageFigures } from './running.ts'
import { ShedLog } from './shed-log.ts'
import { StageContext } from './stage-context.ts'
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

/** A pipeline at work: takes requests in, carries them from stage to stage and sees to it that each ends once. */
export class Runtime implements Running<unknown, unknown>, EnvelopeHost {
  readonly name: string
  readonly instanceId: string = crypto.randomUUID().slice(0, 8)
  readonly wallOffset: number
  readonly wheel: TimerWheel
  readonly streamBuffer: number
  readonly stallTimeoutMs: number
  readonly outcomes$: Observable<Outcome<unknown>>
  readonly events$: Observable<PipelineEvent>
  private readonly settings: StartSettings
  private readonly nodes: readonly StageNode[]
  private readonly reserves: boolean
  private readonly book = new LedgerBook()
  private readonly outcomes = new Subject<Outcome<unknown>>()
  private readonly events = new Subject<PipelineEvent>()
  private readonly supervisor: Actor<SupervisorLogic>
  private readonly shedLog: ShedLog
  /** Requests that carry a stream. */
  private readonly streams = new Set<Envelope>()
  private lifecycle: PipelineState = 'running'
  private submissions = 0
  /** The envelope that is being offered: if it starts now, it starts when it arrived. */
  private arriving: Envelope | undefined
  /** Told after each end while a drain waits. */
  private onEnded: (() => void) | undefined
  private drained: Promise<DrainReport> | undefined

  constructor(name: string, stages: readonly StageDefinition[], settings: StartSettings) {
    const { clock, logger, registry, metricsPrefix, supervision } = settings
    this.name = name
    this.settings = settings
    this.wallOffset = clock.wallTime() - clock.now()
    this.wheel = new TimerWheel(clock)
    this.streamBuffer = settings.streamBuffer
    this.stallTimeoutMs = settings.stallTimeoutMs
    this.reserves = settings.admission === 'door'
    this.shedLog = new ShedLog(clock, logger)
    this.outcomes$ = this.outcomes.asObservable()
    this.nodes = stages.map((stage, index) => this.createNode(stage, index))
    if (registry !== undefined) registerPipelineMetrics(registry, metricsPrefix, this.nodes, this.book)
    // From the sink to the source, so that no stage starts before the one that it feeds.
    const children = this.nodes.map((node) => ({ id: node.name, start: fromRunner(node.runner) })).toReversed()
    this.supervisor = createActor(supervise(children, { ...supervision, clock }), { clock })
    this.watchSupervisor()
    this.supervisor.start()
    // The stages have started by the time anybody can listen.
    this.events$ = this.events.pipe(startWith(...children.map(({ id }) => ({ type: 'started' as const, stage: id }))))
  }

  get state(): PipelineState {
    return this.lifecycle
  }

  get stages(): Readonly<Record<string, StageFigures>> {
    return Object.fromEntries(this.nodes.map((node) => [node.name, node.figures]))
  }

  ledger(): Ledger {
    return this.book.snapshot()
  }

  submit(request: unknown): Reply<unknown> {
    const now = this.now()
    const deadlineMs = deadlineOf(request)
    this.book.submit()
    const envelope = new Envelope(this, request, ++this.submissions, now, deadlineMs)
    const first = this.nodes[0] as StageNode
    if (this.lifecycle !== 'running') {
      this.shed(envelope, first, this.lifecycle === 'failed' ? 'stage-down' : 'draining')
    } else if (!(deadlineMs > 0)) {
      const message = `deadlineMs must be a number of milliseconds, more than 0, got ${show((request as { deadlineMs: unknown }).deadlineMs)}`
      this.end(envelope, 'failed', new RangeError(message))
    } else {
      this.admit(envelope, first, now)
    }
    return envelope
  }

  request(request: unknown): Observable<unknown> {
    return defer(() => this.submit(request).output$)
  }

  asOperator(): OperatorFunction<unknown, Outcome<unknown>> {
    return mergeMap(
      (request) =>
        new Observable<Outcome<unknown>>((subscriber) => {
          const reply = this.submit(request)
          const chunks: unknown[] = []
          const tell = (): void => {
            const outcome = reply.settled as Outcome<unknown>
            const streamed = outcome.kind === 'completed' && !('value' in outcome)
            subscriber.next(streamed ? { ...outcome, value: chunks } : outcome)
            subscriber.complete()
          }
          subscriber.add(reply.output$.subscribe({ next: (chunk) => chunks.push(chunk), error: tell, complete: tell }))
        }),
    )
  }

  drain(options: { readonly timeoutMs?: number } = {}): Promise<DrainReport> {
    this.drained ??= this.startDrain(checkNumber('timeoutMs', options.timeoutMs ?? 30_000))
    return this.drained
  }

  // What an envelope asks of its pipeline

  now(): number {
    return this.settings.clock.now()
  }

  stageName(index: number): string {
    return (this.nodes[index] as StageNode).name
  }

  complete(envelope: Envelope): void {
    this.end(envelope, 'completed', undefined)
  }

  cancel(envelope: Envelope, reason: unknown): void {
    this.end(envelope, 'cancelled', reason)
  }

  failStream(envelope: Envelope, error: unknown): void {
    this.fail(envelope, this.nodes.at(-1) as StageNode, error)
  }

  due(envelope: Envelope): void {
    const now = this.now()
    if (envelope.submittedAt + envelope.deadlineMs <= now) {
      this.end(envelope, 'expired', undefined)
    } else if (envelope.timeoutAt <= now) {
      const { node } = (envelope.place === 'running' ? envelope.run : envelope.source) as StageContext
      this.fail(envelope, node, new StageTimeoutError(node.name, node.settings.timeoutMs))
    } else if (envelope.isStalled(now)) {
      this.end(envelope, 'cancelled', `the reply was not read for ${this.stallTimeoutMs} ms (stallTimeoutMs)`)
    } else {
      envelope.arm()
    }
  }

  // The way of a request

  private admit(envelope: Envelope, first: StageNode, now: number): void {
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
  private enter(envelope: Envelope, node: StageNode, now: number): void {
    envelope.stage = node.index
    envelope.arrivedAt = now
    envelope.run = undefined
    envelope.place = 'waiting'
    this.arriving = envelope
    let verdict
    if (this.reserves) {
      node.ahead -= 1
      // Past the door there is a place for it, even while the stage is down.
      verdict = node.index > 0 ? node.channel.admit(envelope) : node.channel.offer(envelope)
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
  private begin(envelope: Envelope, attempt: number, node: StageNode): StageContext {
    const now = this.arriving === envelope ? envelope.arrivedAt : this.now()
    this.arriving = undefined
    const run = new StageContext(envelope, attempt, node, now)
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
      else this.end(envelope, 'completed', undefined)
    }
  }

  /** Watches the stream that a stage made of a value; the stage's slot lasts as long as the stream. */
  private watchStream(stream$: Observable<unknown>, run: StageContext, now: number): Observable<unknown> {
    const { item: envelope, node } = run
    envelope.source = run
    this.streams.add(envelope)
    const firstChunkMs = envelope.timeoutAt - now
    return supervisedStream(stream$, {
      onOpen: () => {
        if (firstChunkMs === Infinity || envelope.kind !== undefined) return
        envelope.timeoutAt = this.now() + firstChunkMs
        envelope.arm()
      },
      onFirstChunk: () => {
        envelope.timeoutAt = Infinity
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
    if (envelope.source !== run) {
      node.latency.observe(now - run.startedAt)
      node.slotFreed(now - run.startedAt)
    }
    this.forgetGrace(run)
    this.fail(envelope, node, error)
  }

  /** A crash has put a request back before those that wait. */
  private putBack({ item: envelope }: StageContext): void {
    envelope.run = undefined
    envelope.place = 'waiting'
    envelope.arrivedAt = this.now()
    envelope.timeoutAt = Infinity
  }

  // The ends of a request

  private fail(envelope: Envelope, node: StageNode, error: unknown): void {
    if (envelope.kind !== undefined) return
    countUp(node.errors, error instanceof SpillwayError ? error.code : 'stage_failed')
    this.end(envelope, 'failed', error, node)
  }

  private shed(envelope: Envelope, node: StageNode, reason: ShedReason): void {
    if (envelope.kind !== undefined) return
    countUp(node.shed, reason)
    envelope.endShed(this.now(), node.index, reason, node.retryAfterMs)
    this.shedLog.shed(node.name, reason, node.channel.size, () => this.describe(envelope))
    this.settle(envelope, 'shed')
  }

  private end(envelope: Envelope, kind: OutcomeKind, detail: unknown, node?: StageNode): void {
    if (!envelope.end(kind, this.now(), detail)) return
    this.leave(envelope, kind, detail)
    if (node !== undefined) envelope.stage = node.index
    if (kind === 'failed') this.logFailure(envelope, detail)
    this.settle(envelope, kind)
  }

  /** Takes a request that has ended off its way: gives back its place, its slot and its reservations. */
  private leave(envelope: Envelope, kind: OutcomeKind, detail: unknown): void {
    const { run, source } = envelope
    const itemEnd: ItemEnd = kind === 'shed' ? 'discarded' : kind
    if (source !== undefined) {
      this.streams.delete(envelope)
      if (source.state === 'held') {
        this.freeHeld(source)
        source.node.runner.end(source, itemEnd)
      }
      if (kind !== 'completed') source.abort(detail)
    }
    const node = this.nodes[envelope.stage] as StageNode
    if (envelope.place === 'waiting') node.runner.withdraw(envelope, itemEnd)
    if (envelope.place === 'running' && run !== undefined) this.callOff(run, detail ?? kind)
    if (envelope.place === 'waiting' || envelope.place === 'running') this.giveBackReservations(envelope)
    envelope.place = 'outside'
  }

  private giveBackReservations(envelope: Envelope): void {
    if (!this.reserves) return
    for (let index = envelope.stage + 1; index < this.nodes.length; index++) (this.nodes[index] as StageNode).ahead -= 1
  }

  /** Aborts a handler; if it does not return in time, its slot is taken back. */
  private callOff(run: StageContext, reason: unknown): void {
    const { runner } = run.node
    runner.callOff(run, reason)
    if (run.state !== 'called-off') return
    run.grace = new Grace(() => {
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
  private settle(envelope: Envelope, kind: OutcomeKind): void {
    this.book.end(kind)
    envelope.tell()
    if (this.outcomes.observed && envelope.settled !== undefined) this.outcomes.next(envelope.settled)
    this.onEnded?.()
  }

  // The stages and their supervisor

  private createNode({ name, handler, settings }: StageDefinition, index: number): StageNode {
    const { clock, logger, scale } = this.settings
    const { concurrency, overflow } = settings
    const capacity = settings.capacity === 0 ? 0 : Math.max(1, Math.round(settings.capacity * scale))
    const channel = new Channel<Envelope>({
      capacity,
      concurrency,
      overflow,
      onEvicted: (envelope) => {
        envelope.place = 'outside'
        this.giveBackReservations(envelope)
        this.shed(envelope, this.nodes[index] as StageNode, 'evicted')
      },
    })
    return new StageNode(index, name, settings, { clock, logger, channel }, (node) => {
      return new StageRunner<Envelope, unknown, StageContext>((envelope, run) => handler(envelope.value, run), {
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

  private watchSupervisor(): void {
    const nodeOf = (id: string): StageNode => this.nodes.find((node) => node.name === id) as StageNode
    this.supervisor.on('started', ({ id }) => {
      nodeOf(id).state = 'running'
    })
    this.supervisor.on('restarted', ({ id }) => {
      const node = nodeOf(id)
      node.state = 'running'
      node.restarts += 1
      this.settings.logger.info({ stage: id, restarts: node.restarts }, 'stage restarted')
      this.events.next({ type: 'restarted', stage: id })
    })
    this.supervisor.on('crashed', ({ id, error }) => {
      nodeOf(id).state = 'backing-off'
      this.settings.logger.error({ stage: id, ...describeError(error) }, 'stage crashed')
      this.failStreamsThrough(nodeOf(id), error)
      this.events.next({ type: 'crashed', stage: id, error })
    })
    this.supervisor.on('stopped', ({ id }) => {
      nodeOf(id).state = 'stopped'
      this.events.next({ type: 'drained', stage: id })
    })
    this.supervisor.on('escalated', ({ id, error }) => {
      nodeOf(id).state = 'failed'
      this.events.next({ type: 'escalated', stage: id, error })
    })
    this.supervisor.subscribe({
      error: (error) => {
        this.giveUp(error)
      },
    })
  }

  /** A stage is down: a stream that passes through it cannot go on. */
  private failStreamsThrough(node: StageNode, error: unknown): void {
    for (const envelope of this.streams) {
      const source = envelope.source as StageContext
      if (source.node.index <= node.index && (envelope.stage > node.index || envelope.place === 'through')) {
        this.fail(envelope, node, error)
      }
    }
  }

  /** A stage is down for good: nothing that is on its way can arrive any more. */
  private giveUp(error: unknown): void {
    const down = this.nodes.find((node) => node.state === 'failed') ?? (this.nodes[0] as StageNode)
    this.lifecycle = 'failed'
    this.settings.logger.error({ stage: down.name, ...describeError(error) }, 'stage is down for good, the pipeline has failed')
    for (const node of this.nodes) if (node !== down) node.state = 'stopped'
    this.failAll(() => new StageError(down.name, 'is down for good', { cause: error }), down)
  }

  /** Ends everything that is in flight as failed. */
  private failAll(errorAt: (node: StageNode) => unknown, blamed?: StageNode): number {
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

  // The end of the pipeline

  private async startDrain(timeoutMs: number): Promise<DrainReport> {
    const startedAt = this.now()
    const before = this.ledger()
    const wasRunning = this.lifecycle === 'running'
    let timedOut = 0
    if (wasRunning) {
      this.lifecycle = 'draining'
      this.settings.logger.info({ inFlight: before.inFlight }, 'draining')
      timedOut = await this.finishInFlight(timeoutMs)
      if (this.state === 'draining') this.lifecycle = 'stopped'
    }
    this.supervisor.stop()
    this.shedLog.flush()
    const after = this.ledger()
    this.outcomes.complete()
    this.events.complete()
    return {
      inFlight: before.inFlight,
      completed: after.completed - before.completed,
      shed: after.shed - before.shed,
      failed: after.failed - before.failed,
      expired: after.expired - before.expired,
      cancelled: after.cancelled - before.cancelled,
      timedOut,
      durationMs: this.now() - startedAt,
    }
  }

  /** Drains the stages from the source to the sink, then waits for the last readers; returns how many ran out of time. */
  private finishInFlight(timeoutMs: number): Promise<number> {
    return new Promise((resolve) => {
      let timedOut = 0
      const finish = (): void => {
        this.settings.clock.clearTimeout(timer)
        subscription.unsubscribe()
        this.onEnded = undefined
        resolve(timedOut)
      }
      const timer = this.settings.clock.setTimeout(() => {
        this.onEnded = undefined
        timedOut = this.failAll((node) => new DrainTimeoutError(node.name, timeoutMs))
        finish()
      }, timeoutMs)
      const advance = (): void => {
        const next = this.nodes.find(({ state }) => state !== 'stopped' && state !== 'failed')
        if (next === undefined) {
          if (this.book.inFlight === 0) finish()
        } else if (next.state === 'running') {
          next.state = 'draining'
          this.supervisor.getSnapshot().children[next.name]?.send({ type: 'drain' })
        }
      }
      const subscription = this.events.subscribe((event) => {
        if (event.type === 'drained' || event.type === 'restarted') advance()
      })
      this.onEnded = advance
      advance()
    })
  }

  private describe(envelope: Envelope): object {
    const { request } = envelope
    const session = typeof request === 'object' && request !== null && 'session' in request ? request.session : undefined
    return { request: envelope.id, session: sessionDigest(session) }
  }

  private logFailure(envelope: Envelope, error: unknown): void {
    const stage = this.stageName(envelope.stage)
    this.settings.logger.warn({ ...this.describe(envelope), stage, ...describeError(error) }, 'request failed')
  }
}

/** Gives a slot back when its time has come. */
class Grace extends WheelTimer {
  override readonly onDue: () => void

  constructor(onDue: () => void) {
    super()
    this.onDue = onDue
  }
}

/** The request's `deadlineMs`; `Infinity` when it has none, `NaN` when it has a bad one. */
function deadlineOf(request: unknown): number {
  if (typeof request !== 'object' || request === null || !('deadlineMs' in request)) return Infinity
  const { deadlineMs } = request
  if (deadlineMs === undefined) return Infinity
  return typeof deadlineMs === 'number' ? deadlineMs : NaN
}

/** What the log says of an error. Only our own messages are written: a stranger's may quote the prompt. */
function describeError(error: unknown): object {
  if (error instanceof SpillwayError) return { code: error.code, error: error.message }
  return { error: error instanceof Error ? error.name : typeof error }
}
