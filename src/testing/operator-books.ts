import type { ChannelLimits, ItemOutcome } from '../../operators/index.ts'
import { LineBooks } from './line-books.ts'
import type { Item } from './operator-subject.ts'

/** How an item's work ended, as the work itself knows. */
export interface WorkEnd {
  readonly kind: 'completed' | 'failed'
  readonly error?: unknown
  /** It was told by a promise, so whoever waits for it hears of it only when promises have settled. */
  readonly later: boolean
}

/**
 * What must be true of an operator at each moment, known from what was brought, started and told: what waits, what
 * runs and what has ended. It never asks the operator.
 */
export class OperatorBooks extends LineBooks<Item, ItemOutcome<Item>> {
  readonly running: Set<Item> = new Set()
  readonly workEnds: Map<Item, WorkEnd> = new Map()
  /** Nothing is to be run any more: what is left is discarded. */
  stopped = false
  private lastLoad = 0
  private lastRunning = 0

  protected override get runs(): number {
    return this.running.size
  }

  override get idle(): boolean {
    return this.waiting.length === 0 && this.running.size === 0
  }

  get unfinished(): readonly Item[] {
    return [...this.waiting, ...this.running]
  }

  override nameOf({ id }: Item): string {
    return `item ${id}`
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

  changes(limits: ChannelLimits): void {
    this.capacity = limits.capacity ?? this.capacity
    this.concurrency = limits.concurrency ?? this.concurrency
  }

  starts(item: Item): void {
    const { judge, id } = { judge: this.judge, id: item.id }
    if (this.startedAt.has(item)) judge('Conservation', `item ${id} is started a second time`)
    else if (this.outcomes.has(item)) judge('Conservation', `item ${id} is started after its outcome was told`)
    else if (this.stopped) judge('Unsubscribe', `item ${id} is started after the output was unsubscribed or has ended`)
    this.leavesTheLine(item)
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
    this.waitsNoMore(item)
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
      const ever = this.outcomes.size === 0 ? ' (onOutcome was never called)' : ''
      judge('Conservation', `the work of item ${item.id} ${kind}, but no outcome was told${ever}: ${figures}`)
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
}
