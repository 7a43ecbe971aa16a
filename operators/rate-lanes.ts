import { Gcra, type RateLimit } from './gcra.ts'
import { IndexedHeap } from './indexed-heap.ts'
import { type Linked, LinkedList } from './linked-list.ts'
import { RingBuffer } from './ring-buffer.ts'

/** Something that passes a rate limit: at once, later, or not at all. */
export interface RateItem {
  /** Its number in the order of arrival. */
  readonly index: number
  readonly weight: number
}

/** How much may wait, in units of the weights. */
interface LaneLimits extends RateLimit {
  readonly capacity: number
  readonly perKeyCapacity: number
}

/** One key's limit, and what waits for it, first come, first served. */
class Lane<T extends RateItem> implements Linked {
  readonly key: unknown
  readonly gcra: Gcra
  readonly line: RingBuffer<T> = new RingBuffer<T>(1)
  /** What waits, in units. */
  load = 0
  /** When the first that waits may pass. */
  dueAt = Infinity
  /** Its place in the heap of lanes where something waits. */
  place = -1
  next: this | undefined = undefined
  previous: this | undefined = undefined
  listed = false

  constructor(key: unknown, limit: RateLimit) {
    this.key = key
    this.gcra = new Gcra(limit)
  }
}

/**
 * A rate limit for each key, each with a line. It reads no clock: whoever drives it comes back at `nextDue`.
 *
 * A key whose limit is as if nothing had ever passed is forgotten, so there are never more than have passed or
 * waited within the time in which a burst is made good, counted from the last arrival.
 */
export class RateLanes<T extends RateItem> {
  private readonly limits: LaneLimits
  private readonly lanes = new Map<unknown, Lane<T>>()
  /** The lane that was let through longest ago first. */
  private readonly byUse = new LinkedList<Lane<T>>()
  private readonly due = new IndexedHeap<'place', Lane<T>>(
    'place',
    (a, b) => a.dueAt < b.dueAt || (a.dueAt === b.dueAt && indexOfFirst(a) < indexOfFirst(b)),
  )
  private load = 0

  constructor(limits: LaneLimits) {
    this.limits = limits
  }

  /** Keys that are remembered. */
  get size(): number {
    return this.lanes.size
  }

  /** When the first of all that wait may pass; `Infinity` when nothing waits. */
  get nextDue(): number {
    return this.due.first?.dueAt ?? Infinity
  }

  /**
   * An item arrives, once everything that is due has been taken.
   *
   * @returns 0 when it passes, -1 when it waits; otherwise the whole milliseconds after which it would pass, and
   * nothing has changed; `Infinity` for what is heavier than the burst.
   */
  offer(key: unknown, item: T, now: number): number {
    this.forgetIdle(now)
    const { weight } = item
    const known = this.lanes.get(key)
    const lane = known ?? new Lane<T>(key, this.limits)
    const retryAfterMs =
      lane.line.length > 0 ? lane.gcra.retryAfterMs(now, weight, lane.load) : lane.gcra.take(now, weight)
    if (retryAfterMs === 0) {
      if (known === undefined) this.lanes.set(key, lane)
      this.used(lane)
      return 0
    }
    if (retryAfterMs === Infinity || !this.hasRoom(lane, weight)) return retryAfterMs
    lane.line.push(item)
    if (lane.line.length === 1) this.expect(lane)
    this.weigh(lane, weight)
    return -1
  }

  /** Takes the first item that may pass by now; `undefined` when there is none. */
  takeDue(now: number): T | undefined {
    const lane = this.due.first
    if (lane === undefined || lane.dueAt > now) return undefined
    const item = lane.line.shift() as T
    lane.gcra.take(now, item.weight)
    this.due.delete(lane)
    this.expect(lane)
    this.weigh(lane, -item.weight)
    this.used(lane)
    return item
  }

  /** Empties the lines; what waited is returned in the order of arrival. */
  discard(): readonly T[] {
    const items: T[] = []
    for (let lane = this.due.first; lane !== undefined; lane = this.due.first) {
      for (let item = lane.line.shift(); item !== undefined; item = lane.line.shift()) items.push(item)
      this.due.delete(lane)
      lane.load = 0
    }
    this.load = 0
    return items.sort((a, b) => a.index - b.index)
  }

  private hasRoom(lane: Lane<T>, weight: number): boolean {
    const { capacity, perKeyCapacity } = this.limits
    return this.load + weight <= capacity && lane.load + weight <= perKeyCapacity
  }

  private weigh(lane: Lane<T>, weight: number): void {
    lane.load += weight
    this.load += weight
    // Sums of fractions leave a rest, but what is empty weighs nothing.
    if (lane.line.length === 0) lane.load = 0
    if (this.due.size === 0) this.load = 0
  }

  /** Puts a lane among those where something waits, for the time of its first. */
  private expect(lane: Lane<T>): void {
    const first = lane.line.at(0)
    if (first === undefined) return
    lane.dueAt = lane.gcra.passesAt(first.weight)
    this.due.add(lane)
  }

  private used(lane: Lane<T>): void {
    this.byUse.delete(lane)
    this.byUse.add(lane)
  }

  private forgetIdle(now: number): void {
    for (let lane = this.byUse.first; lane !== undefined; lane = this.byUse.first) {
      if (lane.line.length > 0 || !lane.gcra.isIdle(now)) return
      this.byUse.delete(lane)
      this.lanes.delete(lane.key)
    }
  }
}

function indexOfFirst<T extends RateItem>(lane: Lane<T>): number {
  return lane.line.at(0)?.index ?? Infinity
}
