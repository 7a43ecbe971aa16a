import { isObservable } from 'rxjs'
import {
  ChannelClosedError,
  CircuitOpenError,
  type ItemEnd,
  LinkedList,
  type LossReason,
  type OverloadReason,
  show,
  type ShedReason,
  TimerWheel,
} from '../../operators/index.ts'
import { StageMeter } from '../metrics/stage-meter.ts'
import { createStage, type StageDefinition, type StageHooks } from './create-stage.ts'
import { badDeadline, deadlineOf } from './deadline-of.ts'
import { errorCode } from './describe-error.ts'
import { Door } from './door.ts'
import { Envelope, type EnvelopeHost } from './envelope.ts'
import { type SessionFullError, StageError, StageTimeoutError } from './errors.ts'
import { Graces } from './grace.ts'
import { LedgerBook } from './ledger.ts'
import type { DeadLetters } from './dead-letters.ts'
import type { Origin, OutcomeKind } from './outcome.ts'
import { RedrivenEnvelope } from './redrive/redriven-envelope.ts'
import { RequestLog } from './request-log.ts'
import { type Carried, type Stage, StageContext } from './stage-context.ts'
import { countUp } from './stage-node.ts'
import { rankRequest } from './stage-ranking.ts'
import { Sessions } from './sessions.ts'
import type { StartSettings } from './start-options.ts'
import { endStreams, streamEnded, watchStream } from './stage-stream.ts'
import { Teller } from './teller.ts'
import { TimeOfDay } from './time-of-day.ts'
import { type Usher, WaitingRooms } from './waiting-rooms.ts'

/** The data plane of a pipeline: carries requests from stage to stage and sees to it that each ends once. */
export class Carrier implements EnvelopeHost<StageContext>, StageHooks, Usher {
  readonly nodes: readonly Stage[]
  readonly book: LedgerBook
  readonly teller: Teller = new Teller()
  readonly meter: StageMeter = new StageMeter()
  readonly instanceId: string
  readonly timeOfDay: TimeOfDay
  readonly wheel: TimerWheel
  readonly settings: StartSettings
  private readonly log: RequestLog
  private readonly door: Door
  private readonly graces: Graces
  private readonly rooms: WaitingRooms
  readonly sessions: Sessions<Carried> | undefined
  /** Why nothing is let in any more, and the stage that is the reason, if one is. */
  private refusal: { readonly reason: ShedReason; readonly blamed: Stage | undefined } | undefined
  private readonly letters: DeadLetters | undefined
  private readonly onOverflow: (node: Stage, error: unknown) => void
  /** Every request that has not ended. */
  private readonly live = new LinkedList<Carried>()
  private submissions = 0
  /** The envelope that is being offered: if it starts now, it starts when it arrived. */
  private arriving: Carried | undefined

  /** @param onOverflow Told that a channel which must lose nothing was given too much; everything in it fails. */
  constructor(
    stages: readonly StageDefinition[],
    settings: StartSettings,
    onOverflow: (node: Stage, error: unknown) => void,
    letters?: DeadLetters,
  ) {
    const { clock, logger, random } = settings
    this.book = new LedgerBook(this.live)
    this.instanceId = Math.floor(random() * 2 ** 52).toString(36)
    this.settings = settings
    this.timeOfDay = new TimeOfDay(clock)
    this.wheel = new TimerWheel(clock)
    this.graces = new Graces(this.wheel, () => clock.now(), settings.abortGraceMs)
    this.onOverflow = onOverflow
    this.letters = letters
    this.log = new RequestLog(clock, logger)
    const waits = stages.some((stage) => stage.settings.wait !== undefined)
    const onTurn = (envelope: Carried): void => (this.nodes[0] as Stage).channel.free(envelope)
    this.sessions = settings.sessions && new Sessions(settings.sessions, { clock, logger, meter: this.meter }, onTurn)
    const ground = { ...settings, meter: this.meter, waits, sessions: this.sessions }
    this.nodes = stages.map((stage, index) => createStage(stage, index, ground, this))
    this.door = new Door(this.nodes)
    this.rooms = new WaitingRooms(this.nodes, this.door, { clock, random, wheel: this.wheel }, this)
  }

  /** Takes a request in, or turns it away. */
  submit(request: unknown, origin: Origin = 'client'): Carried {
    const now = this.now()
    const deadlineMs = deadlineOf(request)
    const Submission = origin === 'client' ? Envelope : RedrivenEnvelope
    const envelope: Carried = new Submission(this, request, ++this.submissions, now, deadlineMs)
    const first = this.nodes[0] as Stage
    this.book.submit(origin)
    this.live.add(envelope)
    if (this.refusal !== undefined) this.turnAway(envelope)
    else if (!(deadlineMs > 0)) this.fail(envelope, first, badDeadline(request))
    else this.admit(envelope, first, now)
    return envelope
  }

  /** Ends everything that is in flight as failed. */
  failAll(errorAt: (stage: Stage) => unknown, blamed?: Stage): number {
    this.sessions?.close()
    const envelopes = [...this.live]
    for (const envelope of envelopes) {
      const stage = (envelope.place === 'through' ? envelope.source?.node : this.nodes[envelope.stage]) as Stage
      this.fail(envelope, blamed ?? stage, errorAt(stage))
    }
    return envelopes.length
  }

  /** A stage is down: a stream that still passes through it cannot go on. */
  failStreamsThrough(node: Stage, error: unknown): void {
    for (const envelope of [...this.live]) {
      const { source } = envelope
      if (!envelope.streamed || source?.phase !== 'held' || source.node.index > node.index) continue
      if (envelope.stage > node.index || envelope.place === 'through') this.fail(envelope, node, error)
    }
  }

  /** Lets go of handlers and timers, ends the outcomes and writes what the log still owes. */
  close(): void {
    for (const { runner } of this.nodes) for (const run of [...runner.runs]) this.graces.abandon(run)
    this.wheel.stop()
    this.log.close()
    this.teller.close()
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
      this.end(envelope, 'expired', undefined, envelope.place === 'through' ? envelope.source?.node : undefined)
    } else if (envelope.timeoutAt <= now || envelope.firstChunkAt <= now) {
      const { node } = (envelope.timeoutAt <= now ? envelope.run : envelope.source) as StageContext
      this.fail(envelope, node, new StageTimeoutError(node.name, node.settings.timeoutMs))
    } else if (envelope.isStalled(now)) {
      this.end(envelope, 'cancelled', `the reply was not read for ${this.settings.stallTimeoutMs} ms (stallTimeoutMs)`)
    } else {
      envelope.arm()
    }
  }

  // The way of a request

  private admit(envelope: Carried, first: Stage, now: number): void {
    const sessionFull = this.sessions?.join(envelope)
    if (sessionFull !== undefined) this.shed(envelope, first, 'rate', sessionFull)
    for (const node of this.door.guarded) if (this.refuseBy(envelope, node, now)) return
    this.rooms.serveDoor()
    // Those who went first may have ended it all.
    this.turnAway(envelope)
    const full = this.door.fullFor(envelope)
    if (full !== undefined && envelope.kind === undefined && !this.rooms.waitAtDoor(envelope, full)) {
      this.shed(envelope, full, full.state === 'running' ? 'door' : 'stage-down')
    }
    if (envelope.kind !== undefined) return
    if (envelope.deadlineMs !== Infinity) envelope.arm()
    if (full === undefined) this.letIn(envelope, now)
  }

  letIn(envelope: Carried, now: number = this.now()): void {
    this.door.reserve(envelope)
    this.enter(envelope, this.nodes[0] as Stage, now)
  }

  /** Brings a request to a stage. */
  private enter(envelope: Carried, node: Stage, now: number): void {
    if (node.ranking !== undefined) {
      const fault = rankRequest(envelope, node.ranking, node.name)
      if (fault !== undefined) this.fail(envelope, node, fault)
      if (envelope.kind !== undefined) return
    }
    envelope.stage = node.index
    envelope.arrivedAt = now
    envelope.run = undefined
    if (node.settings.wait !== undefined && !node.reserves && !this.rooms.mayPass(envelope, node)) return
    this.arriving = envelope
    this.bring(envelope, node)
    this.arriving = undefined
  }

  bring(envelope: Carried, node: Stage): void {
    envelope.place = 'waiting'
    let verdict: 'accepted' | 'shed' | 'closed'
    if (node.reserves) {
      this.door.reach(envelope, node)
      // Past the door there is a place for it, even while the stage is down.
      verdict = node.channel.admit(envelope)
    } else {
      if (node.overload !== undefined && this.refuseBy(envelope, node, this.now())) return
      verdict = node.channel.offer(envelope)
    }
    if (verdict === 'accepted') return
    envelope.place = 'outside'
    if (verdict === 'closed') {
      this.fail(envelope, node, new ChannelClosedError(`the channel of stage ${show(node.name)} is closed`))
    } else if (node.channel.closed) {
      this.overflow(envelope, node)
    } else {
      this.shed(envelope, node, node.shedReasonOf(envelope))
    }
  }

  /** Ends a request that the stage's policy refuses; `true` when it has ended. */
  private refuseBy(envelope: Carried, node: Stage, now: number): boolean {
    const refusal = node.refusalOf(envelope, now)
    if (refusal instanceof StageError) this.fail(envelope, node, refusal)
    else if (refusal !== undefined) this.lost(envelope, node, refusal)
    return envelope.kind !== undefined
  }

  roomMade(node: Stage): void {
    this.rooms.roomMade(node)
  }

  /** Lets nothing in any more; `blamed` is down for good, if that is why. */
  refuse(reason: ShedReason, blamed?: Stage): void {
    this.refusal = { reason, blamed }
    if (blamed !== undefined) blamed.upAt = Infinity
  }

  /** Sheds those who wait for room, now that nothing is let in. */
  clearRooms(): void {
    for (const envelope of this.rooms.close()) this.turnAway(envelope)
  }

  private turnAway(envelope: Carried): void {
    if (this.refusal === undefined) return
    const { reason, blamed } = this.refusal
    this.shed(envelope, blamed ?? (this.nodes[envelope.stage] as Stage), reason)
  }

  /** The stage begins with a request: it has a slot. */
  begin(envelope: Carried, attempt: number, node: Stage): StageContext {
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
  handOn(value: unknown, run: StageContext): void {
    const { item: envelope, node } = run
    const now = this.now()
    node.latency.observe(now - run.startedAt)
    if (run.phase !== 'held') node.slotFreed(now - run.startedAt)
    if (envelope.kind !== undefined) {
      this.graces.forget(run)
      return
    }
    node.processed += 1
    envelope.value = isObservable(value) ? watchStream(value, run, now, this) : value
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

  /** A stage's handler failed, or the stream that it made. */
  handlerFailed(error: unknown, run: StageContext): void {
    const { item: envelope, node } = run
    if (run.closeStream === undefined) {
      const ranMs = this.now() - run.startedAt
      node.latency.observe(ranMs)
      node.slotFreed(ranMs)
    } else {
      streamEnded(run, this.now())
    }
    this.graces.forget(run)
    this.fail(envelope, node, error)
  }

  /** A crash has put a request back before those that wait. */
  putBack({ item: envelope }: StageContext): void {
    envelope.putBack = true
    envelope.run = undefined
    envelope.place = 'waiting'
    envelope.arrivedAt = this.now()
    envelope.timeoutAt = Infinity
  }

  /** A channel has lost a request that waited, or a policy sheds one; of one that is turned away as it comes, `enter` hears. */
  lost(envelope: Carried, node: Stage, reason: LossReason | OverloadReason): void {
    if (reason === 'full' || reason === 'too-large') return
    envelope.place = 'outside'
    if (reason === 'expired') this.end(envelope, 'expired', node.settings.ttlMs)
    else if (reason === 'discarded') this.overflow(envelope, node)
    else this.shed(envelope, node, reason)
  }

  /** A channel that must lose nothing was given more than it holds. */
  private overflow(envelope: Carried, node: Stage): void {
    const error = node.overflowError()
    this.onOverflow(node, error)
    this.fail(envelope, node, error)
  }

  // The ends of a request

  fail(envelope: Carried, node: Stage, error: unknown): void {
    if (envelope.kind !== undefined) return
    // Work that a breaker has refused was not begun: it is shed, as by a channel that has no room.
    if (error instanceof CircuitOpenError && !envelope.begun) {
      this.shed(envelope, node, 'breaker', error)
      return
    }
    countUp(node.errors, errorCode(error))
    this.end(envelope, 'failed', error, node)
  }

  shed(envelope: Carried, node: Stage, reason: ShedReason, refusedBy?: CircuitOpenError | SessionFullError): void {
    if (envelope.kind !== undefined) return
    countUp(node.shed, reason)
    const at = envelope.stage
    envelope.endShed(this.now(), node.index, reason, node.retryAfterMs(refusedBy?.retryAfterMs), refusedBy)
    this.enterInBooks(envelope, 'shed')
    // The stage that made its stream still has a slot for it.
    this.leave(envelope, 'shed', refusedBy, at)
    this.log.shed(envelope, node.name, reason, node.depth)
    this.tell(envelope)
  }

  private end(envelope: Carried, kind: OutcomeKind, detail: unknown, node?: Stage, now = this.now()): void {
    if (!envelope.end(kind, now, detail)) return
    const at = envelope.stage
    // Before anybody's code can run: whoever asks for the outcome finds the stage that is to blame.
    if (node !== undefined) envelope.stage = node.index
    this.enterInBooks(envelope, kind)
    this.leave(envelope, kind, detail, at)
    if (kind === 'failed') this.log.failed(envelope, this.stageName(envelope.stage), detail)
    this.tell(envelope)
  }

  private tell(envelope: Carried): void {
    this.letters?.take(envelope)
    this.teller.tell(envelope)
    // What it had reserved may be another's.
    this.rooms.placesMade()
  }

  /** Before anybody's code can run: whoever sees the end finds it in the ledger. */
  private enterInBooks(envelope: Carried, kind: OutcomeKind): void {
    this.live.delete(envelope)
    this.book.end(kind, envelope.origin)
  }

  /** Takes a request that has ended off its way, where it was at: gives back its place, its slot and its reservations. */
  private leave(envelope: Carried, kind: OutcomeKind, detail: unknown, at: number): void {
    const { run, source } = envelope
    this.door.giveBack(envelope)
    const itemEnd: ItemEnd = kind === 'shed' ? 'discarded' : kind
    if (source !== undefined) endStreams(source, itemEnd, detail, this.now())
    const node = this.nodes[at] as Stage
    if (envelope.place === 'pending') envelope.waiter?.leave()
    if (envelope.place === 'waiting') node.runner.withdraw(envelope, itemEnd)
    if (envelope.place === 'running' && run !== undefined) this.graces.callOff(run, detail ?? kind)
    envelope.place = 'outside'
    this.sessions?.leave(envelope)
  }
}
