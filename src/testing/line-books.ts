import type { Judge } from './invariants.ts'
import type { Item, OperatorLimits } from './operator-subject.ts'

/** What gives way to each other when there is no room, and how many of it may wait. */
export interface Room<I extends Item = Item> {
  readonly items: readonly I[]
  readonly capacity: number
  /** Whose it is, in words; of all: nothing. */
  readonly owner: string
}

/** How an item ended, as it was told. */
export interface Ended {
  readonly kind: string
  readonly reason?: string
}

/**
 * What must be true of that which waits for slots, known from what was brought, started and told: what starts before
 * what, what has waited too long, and for what there is no room. It is the contract once more, in its simplest form.
 */
export abstract class LineBooks<I extends Item = Item, E extends Ended = Ended> {
  capacity: number
  concurrency: number
  /** `Infinity` where there are no keys, as `perKeyConcurrency`. */
  readonly perKeyCapacity: number
  readonly perKeyConcurrency: number
  readonly ttlMs: number
  readonly outcomes: Map<I, E> = new Map()
  /** In order of arrival. */
  waiting: readonly I[] = []
  /** They own a slot and start before the call that is under way returns, whatever comes meanwhile; the first first. */
  readonly granted: Set<I> = new Set()
  readonly arrivedAt: Map<I, number> = new Map()
  readonly startedAt: Map<I, number> = new Map()
  protected readonly limits: OperatorLimits
  protected readonly now: () => number
  protected readonly judge: Judge

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

  /** How many run. */
  protected abstract get runs(): number

  /** Nothing is left that may yet end. */
  abstract get idle(): boolean

  /** An item in words. */
  abstract nameOf(item: I): string

  /** `waiting 2 of 4, running 1 of 1` */
  get figures(): string {
    const units = this.limits.weight === undefined ? '' : ' units'
    const waits = this.limits.weight === undefined ? this.waiting.length : this.weigh(this.waiting)
    return `waiting ${waits} of ${this.capacity}${units}, running ${this.runs} of ${this.concurrency}`
  }

  weightOf(item: I): number {
    return this.limits.weight?.(item) ?? 1
  }

  priorityOf(item: I): number {
    const { overflow, priority } = this.limits
    const ranks = typeof overflow === 'object' && overflow.drop === 'lowest' ? overflow.priority : priority
    return ranks?.(item) ?? 0
  }

  /** Items of one lane start in order; without keys all are of one. */
  laneOf(item: I): unknown {
    const { overflow, key } = this.limits
    return typeof overflow === 'object' && overflow.drop === 'over-share' ? overflow.tenant(item) : key?.(item)
  }

  ofLane(item: I, items: Iterable<I>): readonly I[] {
    const lane = this.laneOf(item)
    return [...items].filter((other) => this.laneOf(other) === lane)
  }

  /** The key in words. */
  keyOf(item: I): string {
    return String(this.laneOf(item))
  }

  /** The room that an item lacks among those that wait: its lane's first, then that of all; `undefined`: it lacks none. */
  lacks(item: I, present: readonly I[], capacity: number): Room<I> | undefined {
    const lane: Room<I> = {
      items: this.ofLane(item, present),
      capacity: this.perKeyCapacity,
      owner: ` of key ${this.keyOf(item)}`,
    }
    const all: Room<I> = { items: present, capacity, owner: '' }
    return [lane, all].find((room) => room.capacity === 0 || this.weigh([...room.items, item]) > room.capacity)
  }

  weigh(items: readonly I[]): number {
    return items.reduce((sum, item) => sum + this.weightOf(item), 0)
  }

  /** Those that wait, first to start first. */
  inStartOrder(): readonly I[] {
    return this.waiting.toSorted((a, b) => (this.startsBefore(a, b) ? -1 : 1))
  }

  hasWaitedTooLong(item: I): boolean {
    return this.now() - (this.arrivedAt.get(item) ?? 0) >= this.ttlMs
  }

  /** Whether it may not start, whatever slots there are, and is overtaken. */
  protected isHeld(_item: I): boolean {
    return false
  }

  arrives(item: I): void {
    this.arrivedAt.set(item, this.now())
    this.waiting = [...this.waiting, item]
  }

  /** One that waits starts: is it its turn? */
  protected leavesTheLine(item: I): void {
    const { judge } = this
    const name = this.nameOf(item)
    // What has waited too long does not start any more, also where that has not been told yet.
    const line = this.ofLane(item, this.waiting).filter((other) => !this.hasWaitedTooLong(other) && !this.isHeld(other))
    const overtaken = line.find((other) => other !== item && this.startsBefore(other, item))
    if (overtaken !== undefined) {
      judge('Order', `${name} is started before ${this.nameOf(overtaken)}, which comes first`)
    }
    if (this.hasWaitedTooLong(item)) {
      judge('Sheds exactly when it must', `${name} is started although it has waited its ttlMs of ${this.ttlMs} ms`)
    }
    this.startedAt.set(item, this.now())
    this.waitsNoMore(item)
  }

  protected waitsNoMore(item: I): void {
    this.waiting = this.waiting.filter((other) => other !== item)
    this.granted.delete(item)
  }

  private startsBefore(a: I, b: I): boolean {
    const [grantedA, grantedB] = [this.granted.has(a), this.granted.has(b)]
    if (grantedA !== grantedB) return grantedA
    if (grantedA) return [...this.granted].indexOf(a) < [...this.granted].indexOf(b)
    const [priorityA, priorityB] = [this.priorityOf(a), this.priorityOf(b)]
    return priorityA === priorityB ? a.id < b.id : priorityA > priorityB
  }
}
