import type { ChannelLimits, ItemOutcome } from '../../operators/index.ts'
import type { Judge } from './invariants.ts'
import type { Item, OperatorLimits } from './operator-subject.ts'

/** How an item's work ended, as the work itself knows. */
export interface WorkEnd {
  readonly kind: 'completed' | 'failed'
  readonly error?: unknown
  /** It was told by a promise, so whoever waits for it hears of it only when promises have settled. */
  readonly later: boolean
}

/** What gives way to each other when there is no room, and how many of it may wait. */
export interface Room {
  readonly items: readonly Item[]
  readonly capacity: number
  /** Whose it is, in words; of all: nothing. */
  readonly owner: string
}

/**
 * What must be true of an operator at each moment, known from what was brought, started and told: what waits, what
 * runs and what has ended. It is the contract once more, in its simplest form, and never asks the operator.
 */
export class OperatorBooks {
  capacity: number
  concurrency: number
  /** `Infinity` where there are no keys, as `perKeyConcurrency`. */
  readonly perKeyCapacity: number
  readonly perKeyConcurrency: number
  readonly ttlMs: number
  readonly outcomes: Map<Item, ItemOutcome<Item>> = new Map()
  /** In order of arrival. */
  waiting: readonly Item[] = []
  readonly running: Set<Item> = new Set()
  /** They own a slot and start before the call that is under way returns, whatever comes meanwhile. */
  readonly granted: Set<Item> = new Set()
  readonly arrivedAt: Map<Item, number> = new Map()
  readonly startedAt: Map<Item, number> = new Map()
  readonly workEnds: Map<Item, WorkEnd> = new Map()
  /** Nothing is to be run any more: what is left is discarded. */
  stopped = false
  private readonly limits: OperatorLimits
  private readonly now: () => number
  private readonly judge: Judge
  private lastLoad = 0
  private lastRunning = 0

  constructor(limits: OperatorLimits, now: () => number, judge: Judge) {
    this.limits = limits
    this.capacity = limits.capacity
    // As in `keyed`, where keys do not wait for each other.
    this.concurrency = limits.concurrency ?? (limits.key === undefined ? 1 : Infinity)
    this.perKeyCapacity = limits.perKeyCapacity ?? Infinity
    this.perKeyConcurrency = limits.key === undefined ? Infinity : (limits.perKeyConcurrency ?? 1)
    this.ttlMs = limits.ttlMs ?? Infinity
    this.now = now
    this.judge = judge
  }

  get idle(): boolean {
    return this.waiting.length === 0 && this.running.size === 0
  }

  get unfinished(): readonly Item[] {
    return [...this.waiting, ...this.running]
  }

  /** `waiting 2 of 4, running 1 of 1` */
  get figures(): string {
    const units = this.limits.weight === undefined ? '' : ' units'
    const waits = this.limits.weight === undefined ? this.waiting.length : this.weigh(this.waiting)
    return `waiting ${waits} of ${this.capacity}${units}, running ${this.running.size} of ${this.concurrency}`
  }

  weightOf(item: Item): number {
    return this.limits.weight?.(item) ?? 1
  }

  priorityOf(item: Item): number {
    const { overflow, priority } = this.limits
    return (typeof overflow === 'object' ? overflow.priority(item) : priority?.(item)) ?? 0
  }

  /** Items of one lane start in order; without keys all are of one. */
  laneOf(item: Item): unknown {
    return this.limits.key?.(item)
  }

  ofLane(item: Item, items: Iterable<Item>): readonly Item[] {
    const lane = this.laneOf(item)
    return [...items].filter((other) => this.laneOf(other) === lane)
  }

  /** The room that an item lacks among those that wait: its lane's first, then that of all; `undefined`: it lacks none. */
  lacks(item: Item, present: readonly Item[], capacity: number): Room | undefined {
    const lane: Room = {
      items: this.ofLane(item, present),
      capacity: this.perKeyCapacity,
      owner: ` of key ${this.keyOf(item)}`,
    }
    const all: Room = { items: present, capacity, owner: '' }
    return [lane, all].find((room) => room.capacity === 0 || this.weigh([...room.items, item]) > room.capacity)
  }

  /** Whether an item might start beside those that run, and others that are about to. */
  mayStart(item: Item, others: readonly Item[]): boolean {
    const busy = [...this.running, ...others]
    return busy.length < this.concurrency && this.ofLane(item, busy).length < this.perKeyConcurrency
  }

  /** Those of the items that own a slot although they have not started: in the middle of a call they soon will. */
  owed(order: readonly Item[]): readonly Item[] {
    const owed: Item[] = []
    for (const item of order) if (this.mayStart(item, owed)) owed.push(item)
    return owed
  }

  weigh(items: readonly Item[]): number {
    return items.reduce((sum, item) => sum + this.weightOf(item), 0)
  }

  /** Those that wait, first to start first. */
  inStartOrder(): readonly Item[] {
    return this.waiting.toSorted((a, b) => (this.startsBefore(a, b) ? -1 : 1))
  }

  hasWaitedTooLong(item: Item): boolean {
    return this.now() - (this.arrivedAt.get(item) ?? 0) >= this.ttlMs
  }

  arrives(item: Item): void {
    this.arrivedAt.set(item, this.now())
    this.waiting = [...this.waiting, item]
  }

  changes(limits: ChannelLimits): void {
    this.capacity = limits.capacity ?? this.capacity
    this.concurrency = limits.concurrency ?? this.concurrency
  }

  starts(item: Item): void {
    const { judge, id } = { judge: this.judge, id: item.id }
    if (this.startedAt.has(item)) judge('Conservation', `item ${id} is started a second time`)
    else if (this.outcomes.has(item)) judge('Conservation', `item ${id} is started after its outcome was told`)
    else if (this.stopped) judge('Unsubscribe', `item ${id} is started after the output was unsubscribed or has ended`)
    const lane = this.ofLane(item, this.waiting)
    const overtaken = lane.find((other) => other !== item && this.startsBefore(other, item))
    if (overtaken !== undefined) judge('Order', `item ${id} is started before item ${overtaken.id}, which comes first`)
    if (this.hasWaitedTooLong(item)) {
      judge('Sheds exactly when it must', `item ${id} is started although it has waited its ttlMs of ${this.ttlMs} ms`)
    }
    this.startedAt.set(item, this.now())
    this.waiting = this.waiting.filter((other) => other !== item)
    this.granted.delete(item)
    this.running.add(item)
    // Above a concurrency that was lowered nothing starts, either.
    if (this.running.size > this.concurrency) {
      judge('Bounds', `item ${id} is started as number ${this.running.size}, but concurrency is ${this.concurrency}`)
    }
    const beside = this.ofLane(item, this.running).length
    if (beside > this.perKeyConcurrency) {
      const claim = `but perKeyConcurrency is ${this.perKeyConcurrency}`
      judge('Bounds', `item ${id} is started as number ${beside} of key ${this.keyOf(item)}, ${claim}`)
    }
  }

  /** The key in words. */
  keyOf(item: Item): string {
    return String(this.laneOf(item))
  }

  ends(outcome: ItemOutcome<Item>): void {
    const { judge, startedAt, now } = { judge: this.judge, startedAt: this.startedAt, now: this.now() }
    const { value: item, kind, waitedMs, ranMs } = outcome
    const id = `item ${item.id}`
    const arrivedAt = this.arrivedAt.get(item)
    if (arrivedAt === undefined) {
      judge('Conservation', `${id} is told to be ${kind}, but has not arrived`)
      return
    }
    const before = this.outcomes.get(item)
    if (before !== undefined) judge('Conservation', `${id} is told to be ${kind}, but was ${before.kind} already`)
    this.outcomes.set(item, outcome)
    this.waiting = this.waiting.filter((other) => other !== item)
    this.granted.delete(item)
    this.running.delete(item)
    const start = startedAt.get(item)
    const work = this.workEnds.get(item)
    if (kind === 'completed' || kind === 'failed') {
      if (start === undefined) judge('Conservation', `${id} is told to be ${kind}, but was never started`)
      else if (work === undefined) judge('Conservation', `${id} is told to be ${kind}, but its work has not ended`)
      else if (work.kind !== kind) judge('Conservation', `${id} is told to be ${kind}, but its work ${work.kind}`)
    } else if (kind === 'discarded') {
      // What must not lose anything tells of all that it discards before it fails.
      const mayDiscard = this.stopped || this.limits.overflow === 'fail'
      if (!mayDiscard) judge('Conservation', `${id} is discarded, but nothing was unsubscribed and nothing has ended`)
      else if (work !== undefined && !work.later) judge('Conservation', `${id} is discarded, but its work ${work.kind}`)
    } else if (start !== undefined) {
      judge('Conservation', `${id} is ${kind} after it was started`)
    } else if (kind === 'expired' && waitedMs < this.ttlMs) {
      judge('Sheds exactly when it must', `${id} expires after ${waitedMs} ms, but ttlMs is ${this.ttlMs}`)
    }
    const waited = (start ?? now) - arrivedAt
    const ran = start === undefined ? 0 : now - start
    if (waitedMs !== waited) judge('Conservation', `${id} is said to have waited ${waitedMs} ms, but it was ${waited}`)
    if (ranMs !== ran) judge('Conservation', `${id} is said to have run ${ranMs} ms, but it was ${ran}`)
  }

  /**
   * What must hold while no call is under way.
   *
   * @param settled Whether promises have settled, too.
   */
  rests(settled: boolean): void {
    const { judge, capacity, concurrency, running, waiting, figures } = this
    for (const [item, { kind, later }] of this.workEnds) {
      if (this.outcomes.has(item) || (later && !settled)) continue
      judge('Conservation', `the work of item ${item.id} ${kind}, but no outcome was told: ${figures}`)
    }
    this.granted.clear()
    // What has expired but still stands there is put out before anything is shed for it.
    const live = waiting.filter((item) => !this.hasWaitedTooLong(item))
    const load = this.weigh(live)
    for (const item of this.perKeyCapacity === Infinity ? [] : live) {
      const { length } = this.ofLane(item, live)
      if (length <= this.perKeyCapacity) continue
      judge('Bounds', `${length} of key ${this.keyOf(item)} wait, but perKeyCapacity is ${this.perKeyCapacity}`)
    }
    if (load > capacity && load > this.lastLoad) judge('Bounds', `more wait than may: ${figures}`)
    if (running.size > concurrency && running.size > this.lastRunning) judge('Bounds', `more run than may: ${figures}`)
    this.lastLoad = load
    this.lastRunning = running.size
    const first = this.inStartOrder().find((item) => this.mayStart(item, []))
    if (first !== undefined && !this.stopped) {
      judge('Work-conserving', `item ${first.id} waits beside a free slot: ${figures}`)
    }
  }

  private startsBefore(a: Item, b: Item): boolean {
    const [grantedA, grantedB] = [this.granted.has(a), this.granted.has(b)]
    if (grantedA !== grantedB) return grantedA
    const [priorityA, priorityB] = [this.priorityOf(a), this.priorityOf(b)]
    return priorityA === priorityB ? a.id < b.id : priorityA > priorityB
  }
}
