import type { Carried, Stage } from '../pipeline/stage-context.ts'
import type { StageSettings } from '../pipeline/stage-options.ts'
import { type Found, judgeArrival } from './arrival-judge.ts'
import type { Judge } from './invariants.ts'
import { LineBooks } from './line-books.ts'
import type { Item, OperatorLimits } from './operator-subject.ts'
import type { Ranks, ToldRanks } from './told-ranks.ts'

/** A request in the line before a stage; its `id` is its place in the order of arrival there. */
interface Passing extends Item {
  readonly envelope: Carried
  readonly name: string
  readonly share: number
}

/** What the books of a stage need of the run. */
export interface StageBooksHost {
  readonly judge: Judge
  now(): number
  /** A request in words. */
  nameOf(envelope: Carried): string
  /** Whether it has to wait before the first channel for one of its session. */
  isHeld(envelope: Carried): boolean
}

/**
 * What must be true of the line before a stage, known from what comes to its channel, what its functions say of that,
 * what its handler is called with, and how requests end. The channel itself is asked only how many run and wait.
 */
export class StageBooks extends LineBooks<Passing> {
  private readonly stage: Stage
  private readonly told: ToldRanks
  private readonly host: StageBooksHost
  private newest = 0
  private oldest = 0
  /** Arrivals that the channel is told of at this moment, one within the other. */
  private nesting = 0
  private arrivals = 0
  /** Until the channel is told that they may start: who has a slot by then keeps it. */
  private readonly held = new Set<Passing>()
  /** What was turned away, and whether for its weight, until its outcome is there. */
  private readonly turnedAway = new Map<Passing, boolean>()
  /** How much may wait: more than the capacity only after a crash, until it has become less. */
  private most = 0
  /** The sum of such weights depends on their order. */
  private inexact = false

  /** Listens at the stage's channel from now on; nothing must have come to it yet. */
  constructor(stage: Stage, told: ToldRanks, host: StageBooksHost) {
    const judge: Judge = (invariant, message) => {
      host.judge(invariant, `at stage ${stage.name} ${message}`)
    }
    super(limitsOf(stage.settings), () => host.now(), judge)
    this.stage = stage
    this.told = told
    this.host = host
    const { channel } = stage
    const offer = channel.offer.bind(channel)
    const admit = channel.admit.bind(channel)
    const free = channel.free.bind(channel)
    const requeue = channel.requeue.bind(channel)
    channel.offer = (envelope) => this.comes(envelope, () => offer(envelope))
    channel.admit = (envelope) => this.comes(envelope, () => admit(envelope), Infinity)
    channel.free = (envelope) => {
      this.update()
      // Within an arrival those that gave way for it have left the line, and it has not been told yet which they are.
      if (this.nesting === 0) this.grant()
      for (const item of this.held) if (item.envelope === envelope) this.held.delete(item)
      free(envelope)
    }
    channel.requeue = (envelopes) => {
      this.comesBack(envelopes)
      requeue(envelopes)
    }
  }

  protected override get runs(): number {
    return this.stage.channel.running
  }

  override get idle(): boolean {
    return this.waiting.length === 0
  }

  override nameOf({ name }: Passing): string {
    return name
  }

  protected override isHeld(item: Passing): boolean {
    return this.held.has(item)
  }

  /** The handler is called. */
  starts(envelope: Carried): void {
    this.update()
    const item = this.waiting.find((other) => other.envelope === envelope)
    if (item !== undefined) this.leavesTheLine(item)
  }

  /** How many wait that may start. */
  get startable(): number {
    this.update()
    return this.waiting.filter(({ envelope }) => !this.mustBeHeld(envelope)).length
  }

  private mustBeHeld(envelope: Carried): boolean {
    return this.stage.index === 0 && this.host.isHeld(envelope)
  }

  /** What must hold while no call is under way. */
  rests(): void {
    this.update()
    const { judge, stage, waiting, capacity, figures } = this
    const { stats, size } = stage.channel
    const load = this.weigh(waiting)
    if (waiting.length !== size) judge('Conservation', `${waiting.length} wait, but its channel says ${size}`)
    else if (Math.abs(load - stats.waitingWeight) > load * 1e-9) {
      judge('Conservation', `${load} units wait, but its channel says ${stats.waitingWeight}`)
    }
    this.most = Math.max(capacity, this.most)
    if (stage.settings.weighted && !this.inexact && load > this.most) judge('Bounds', `more wait than may: ${figures}`)
    this.most = load
    for (const [{ envelope, name }, tooLarge] of this.turnedAway) {
      const { settled } = envelope
      if (settled?.kind === 'shed' && (settled.reason === 'too-large') !== tooLarge) {
        const why = tooLarge ? 'too-large' : 'full'
        judge('Sheds exactly when it must', `${name} is shed as ${settled.reason}, not as ${why}`)
      }
    }
    this.turnedAway.clear()
  }

  /** A request comes to the channel, which starts it, lets it wait or turns it away. */
  private comes<Verdict extends 'accepted' | 'shed' | 'closed'>(
    envelope: Carried,
    bring: () => Verdict,
    capacity = this.stage.channel.capacity,
  ): Verdict {
    this.update()
    const { stage, judge, limits } = this
    const ranks = stage.ranking === undefined ? equal : this.told.take(envelope)
    const item = this.createItem(envelope, ++this.newest, ranks ?? equal)
    if (ranks === undefined) judge('Order', `${item.name} comes to the channel before the stage has asked for its rank`)
    if (this.mustBeHeld(envelope)) this.held.add(item)
    const found = this.find(item, capacity)
    this.arrives(item)
    const arrival = ++this.arrivals
    this.nesting += 1
    const verdict = bring()
    this.nesting -= 1
    const tooLarge = this.capacity > 0 && this.weightOf(item) > this.capacity
    if (verdict !== 'accepted') this.waitsNoMore(item)
    if (verdict === 'shed') this.outcomes.set(item, { kind: 'shed', reason: tooLarge ? 'too-large' : 'full' })
    if (verdict === 'shed') this.turnedAway.set(item, tooLarge)
    this.update()
    // Who is told of an end may let others in: then it is no longer to be seen who gave way for whom.
    const isAlone = arrival === this.arrivals && !this.inexact
    if (verdict !== 'closed' && (isAlone || found.slotIsFree)) {
      judgeArrival(item, found, this, limits, judge, this.nesting > 0, stage.channel.closed)
    }
    // With many starts on the stack it has a slot, and starts when these have returned.
    if (found.slotIsFree && this.waiting.includes(item)) this.granted.add(item)
    return verdict
  }

  /** Looks at the moment before an arrival: what owns a slot already and soon starts, and what waits for one. */
  private find(item: Passing, capacity: number): Found<Passing> {
    const { channel, runner } = this.stage
    this.grant()
    const line = this.inStartOrder().filter((item) => !this.granted.has(item))
    const slotIsFree = runner['taking'] && channel.running < channel.concurrency && !this.isHeld(item)
    return { slotIsFree, line, capacity }
  }

  /** Notes which of those that have not started own a slot: as many as the channel does not count as waiting. */
  private grant(): void {
    // When it gives slots away it has put out what has expired, although that may not be told yet.
    const live = this.inStartOrder().filter((item) => !this.hasWaitedTooLong(item))
    const count = Math.max(0, live.length - this.stage.channel.size)
    for (const item of live.filter((other) => !this.isHeld(other)).slice(0, count)) this.granted.add(item)
  }

  /** A crash, or a pause, puts requests back before those that wait: those that ran, then those that were about to. */
  private comesBack(envelopes: readonly Carried[]): void {
    this.update()
    this.grant()
    const ran = [...this.startedAt.keys()]
    const back = envelopes.map((envelope) => ran.findLast((item) => item.envelope === envelope))
    const all = [...back.filter((item) => item !== undefined), ...this.granted]
    for (const item of this.granted) this.waitsNoMore(item)
    const before = all
      .toReversed()
      .map((item) => this.createItem(item.envelope, --this.oldest, { ...item, tenant: item.key }))
    this.waiting = [...before.toReversed(), ...this.waiting]
    // They do not expire any more.
    for (const item of before) this.arrivedAt.set(item, Infinity)
    if (all.length > 0) this.most = Math.max(this.capacity, this.weigh(this.waiting))
  }

  private createItem(envelope: Carried, id: number, { weight, priority, tenant, share }: Ranks): Passing {
    if (!Number.isInteger(weight * 2 ** 20)) this.inexact = true
    return { id, weight, priority, key: tenant, share, envelope, name: this.host.nameOf(envelope) }
  }

  /** Takes note of what has ended. */
  private update(): void {
    const { channel, name } = this.stage
    this.capacity = channel.capacity
    this.concurrency = channel.concurrency
    for (const item of this.waiting) {
      const { settled } = item.envelope
      if (settled === undefined) continue
      this.waitsNoMore(item)
      const { kind } = settled
      // What was cancelled, or shed for how long it waited, has left of its own accord, like what has expired.
      const madeRoom = kind === 'shed' && settled.stage === name && settled.reason !== this.stage.overload?.reason
      if (madeRoom) this.outcomes.set(item, { kind, reason: settled.reason })
      else this.outcomes.set(item, { kind: kind === 'failed' && channel.closed ? 'discarded' : 'expired' })
    }
  }
}

const equal: Ranks = { weight: 1, priority: 0, tenant: '', share: 1 }

/** What a stage claims, as an operator would. */
function limitsOf({ capacity, concurrency, overflow, ttlMs, weighted, prioritised }: StageSettings): OperatorLimits {
  const priority = (item: Item): number => item.priority
  const share = (item: Item): number => (item as Passing).share
  const sharing = { drop: 'over-share', tenant: ({ key }: Item) => key, share } as const
  return {
    capacity,
    concurrency,
    overflow:
      overflow === 'drop-lowest' ? { drop: 'lowest', priority } : overflow === 'over-share' ? sharing : overflow,
    ttlMs,
    ...(prioritised && { priority }),
    ...(weighted && { weight: (item: Item) => item.weight }),
  }
}
