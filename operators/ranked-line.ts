import { IndexedHeap } from './indexed-heap.ts'
import type { Line } from './line.ts'
import { type Linked, LinkedList } from './linked-list.ts'

/** One item's place in the line. */
class Place<T> implements Linked {
  readonly value: T
  readonly weight: number
  readonly priority: number
  /** Smaller is older. */
  readonly order: number
  readonly expiresAt: number
  startIndex = -1
  lowestIndex = -1
  next: this | undefined = undefined
  previous: this | undefined = undefined
  listed = false

  constructor(value: T, weight: number, priority: number, order: number, expiresAt: number) {
    this.value = value
    this.weight = weight
    this.priority = priority
    this.order = order
    this.expiresAt = expiresAt
  }
}

/** How the items of a ranked line differ. */
export interface Ranking {
  /** Whether a higher priority starts first; otherwise the older does. */
  readonly byPriority: boolean
  /** What gives way to a newcomer. */
  readonly evicts: 'oldest' | 'lowest'
  /** Whether some may be held. */
  readonly holds: boolean
}

/**
 * The line of a channel whose items have weights, priorities or a time to live, or may be held. Adding and taking cost
 * O(log n) where they have priorities or may be held, O(1) otherwise.
 */
export class RankedLine<T> implements Line<T> {
  private readonly evicts: Ranking['evicts']
  /** All, the oldest first: as each waits for the same time at most, that is also the order in which they expire. */
  private readonly byAge = new LinkedList<Place<T>>()
  /** Those that may start; absent where that is all, in order of age. */
  private readonly starts: IndexedHeap<'startIndex', Place<T>> | undefined
  private readonly lowest: IndexedHeap<'lowestIndex', Place<T>> | undefined
  /** What was put back does not expire and comes before it; whatever comes behind it expires later. */
  private firstToExpire: Place<T> | undefined
  private newest = 0
  private oldest = 0
  private units = 0
  /** How many may not start. */
  private held = 0

  constructor({ byPriority, evicts, holds }: Ranking) {
    this.evicts = evicts
    if (byPriority || holds) {
      this.starts = new IndexedHeap('startIndex', (a, b) => a.priority > b.priority || isOlderEqual(a, b))
    }
    if (evicts === 'lowest') {
      this.lowest = new IndexedHeap('lowestIndex', (a, b) => a.priority < b.priority || isOlderEqual(b, a))
    }
  }

  get length(): number {
    return this.byAge.size
  }

  get startable(): number {
    return this.byAge.size - this.held
  }

  get load(): number {
    return this.units
  }

  get nextExpiry(): number {
    return this.firstToExpire?.expiresAt ?? Infinity
  }

  push(value: T, weight: number, priority: number, expiresAt: number, mayStart: boolean): void {
    const place = new Place(value, weight, priority, ++this.newest, expiresAt)
    this.byAge.add(place)
    this.firstToExpire ??= place
    this.count(place, mayStart)
  }

  unshift(value: T, weight: number, priority: number): void {
    const place = new Place(value, weight, priority, --this.oldest, Infinity)
    this.byAge.addFirst(place)
    this.count(place, true)
  }

  shift(): T | undefined {
    return this.take(this.starts?.first ?? this.byAge.first)
  }

  free(value: T): void {
    if (this.held === 0) return
    for (let place = this.byAge.first; place !== undefined; place = place.next) {
      if (place.value !== value || place.startIndex !== -1) continue
      this.starts?.add(place)
      this.held -= 1
      return
    }
  }

  takeExpired(now: number): T | undefined {
    const place = this.firstToExpire
    return place !== undefined && place.expiresAt <= now ? this.take(place) : undefined
  }

  remove(value: T): boolean {
    for (let place = this.byAge.first; place !== undefined; place = place.next) {
      if (place.value === value) {
        this.take(place)
        return true
      }
    }
    return false
  }

  canGiveWay(weight: number, priority: number, capacity: number): boolean {
    return this.evicts !== 'lowest' || this.lowerOnesSuffice(weight, priority, capacity)
  }

  giveWay(weight: number, priority: number, capacity: number): readonly T[] {
    if (!this.canGiveWay(weight, priority, capacity)) return []
    const evicted: T[] = []
    while (this.units + weight > capacity) {
      const place = (this.lowest ?? this.byAge).first as Place<T>
      if (this.evicts === 'lowest' && place.priority >= priority) break
      evicted.push(this.take(place) as T)
    }
    return evicted
  }

  /**
   * Whether a newcomer has a place once those of lower priority are out. Above a capacity that was lowered it
   * has one, too, if the line does not become longer by it.
   */
  private lowerOnesSuffice(weight: number, priority: number, capacity: number): boolean {
    const most = Math.max(capacity, this.units)
    const last = this.lowest?.first
    if (last === undefined || last.priority >= priority) return false
    let left = this.units + weight
    if (left - last.weight <= most) return true
    for (let place = this.byAge.first; place !== undefined && left > most; place = place.next) {
      if (place.priority < priority) left -= place.weight
    }
    return left <= most
  }

  private count(place: Place<T>, mayStart: boolean): void {
    this.units += place.weight
    if (mayStart) this.starts?.add(place)
    else this.held += 1
    this.lowest?.add(place)
  }

  private take(place: Place<T> | undefined): T | undefined {
    if (place === undefined) return undefined
    if (place === this.firstToExpire) this.firstToExpire = place.next
    this.byAge.delete(place)
    if (this.starts?.delete(place) === false) this.held -= 1
    this.lowest?.delete(place)
    // Fractions leave a rest; an empty line must not.
    this.units = this.byAge.size === 0 ? 0 : this.units - place.weight
    return place.value
  }
}

function isOlderEqual<T>(a: Place<T>, b: Place<T>): boolean {
  return a.priority === b.priority && a.order < b.order
}
