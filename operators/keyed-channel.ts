import type { ItemEnd } from './channel-books.ts'
import { checkCapacity, checkConcurrency, type LossReason } from './channel-options.ts'
import { checkClock, type Clock, systemClock } from './clock.ts'
import { ExpiryTimer } from './expiry-timer.ts'
import type { ItemChannel } from './flattening.ts'
import { Lane, type LaneItem } from './lane.ts'
import { LinkedList } from './linked-list.ts'
import { Losses } from './losses.ts'
import { checkFunction, checkInteger, checkNumber, checkOneOf } from './options.ts'
import { Slots } from './slots.ts'

/** How much of each key and in all may wait and run, and what happens beyond. */
export interface KeyedChannelOptions<T> {
  /** Tells items apart; anything that can be a key of a `Map`. Asked once, when the item arrives. */
  readonly key: (value: T) => unknown
  /** Items of one key that may wait, 0 … or `Infinity`; with 0 an item is accepted only when it can start. */
  readonly perKeyCapacity: number
  /** Items of one key that may run at once, 1 … or `Infinity`; default 1: then they also end in order. */
  readonly perKeyConcurrency?: number
  /** Items that may wait in all, 0 … or `Infinity`; default `Infinity`: then only `perKeyCapacity` bounds them. */
  readonly capacity?: number
  /** Slots: items that may run at once in all, 1 … or `Infinity`; default `Infinity`: then keys never wait for each other. */
  readonly concurrency?: number
  /**
   * What gives way when an item can neither start nor wait; default `'drop-newest'`: it does itself. With
   * `'drop-oldest'` the oldest that waits does: that of its key where the key has no room, of all where there is
   * none in all. `'fail'` errors the output with `OverflowError`, aborts what runs and discards the rest. With a
   * capacity of 0 nothing waits that could give way, and each acts as `'drop-newest'`.
   */
  readonly overflow?: 'drop-newest' | 'drop-oldest' | 'fail'
  /** Milliseconds that an item may wait, 1 …; one that has waited so long expires. Default no limit. */
  readonly ttlMs?: number
  /** Measures `ttlMs`; default the system's. */
  readonly clock?: Clock
}

/**
 * A channel with a line for each key, its lane, in place of one for all: what waits for its own key does not
 * keep others from the slots. Keys take turns at the slots: when the first item of a lane may start, the lane
 * queues for a slot behind those that do already, and after each start it queues anew.
 *
 * A lane is there only while an item of its key waits or runs. All costs O(1), however many keys there are.
 */
export class KeyedChannel<T> implements ItemChannel<LaneItem<T>> {
  /** The capacity that was exceeded, for the error of `'fail'`; `undefined` until then. */
  overflown: 'perKeyCapacity' | 'capacity' | undefined
  private readonly key: (value: T) => unknown
  private readonly perKeyCapacity: number
  private readonly perKeyConcurrency: number
  private readonly capacity: number
  private readonly strategy: 'drop-newest' | 'drop-oldest' | 'fail'
  private readonly ttlMs: number
  private readonly clock: Clock
  private readonly expiry: ExpiryTimer
  private readonly lanes = new Map<unknown, Lane<T>>()
  /** The lanes whose first item starts as soon as there is a slot. */
  private readonly turns = new LinkedList<Lane<T>>()
  /** All that wait, the oldest first: so they also expire, and the first of all is the first of its lane. */
  private readonly byAge = new LinkedList<LaneItem<T>>()
  private readonly slots: Slots<LaneItem<T>>
  private readonly losses: Losses<LaneItem<T>>

  /**
   * @param onLost Told of each item that is lost before it started, once the books are done; must not throw.
   * @throws RangeError or TypeError that names the option, its value and the allowed range.
   */
  constructor(options: KeyedChannelOptions<T>, onLost: (item: LaneItem<T>, reason: LossReason) => void) {
    const { perKeyConcurrency = 1, capacity = Infinity, concurrency = Infinity, overflow = 'drop-newest' } = options
    this.key = checkFunction('key', options.key)
    this.perKeyCapacity = checkInteger('perKeyCapacity', options.perKeyCapacity, { max: Infinity })
    this.perKeyConcurrency = checkInteger('perKeyConcurrency', perKeyConcurrency, { min: 1, max: Infinity })
    this.capacity = checkCapacity(capacity)
    this.slots = new Slots(checkConcurrency(concurrency))
    const strategy = checkOneOf('overflow', overflow, ['drop-newest', 'drop-oldest', 'fail'])
    this.strategy = Math.min(this.perKeyCapacity, this.capacity) === 0 ? 'drop-newest' : strategy
    this.ttlMs = checkNumber('ttlMs', options.ttlMs ?? Infinity, { min: 1, max: Infinity })
    this.clock = checkClock('clock', options.clock ?? systemClock)
    this.expiry = new ExpiryTimer(this.clock, () => {
      this.claim()
    })
    this.losses = new Losses(onLost)
  }

  /** Items that wait. */
  get size(): number {
    return this.byAge.size
  }

  /** Items that own a slot. */
  get running(): number {
    return this.slots.taken
  }

  /** Keys of which something waits or runs. */
  get keys(): number {
    return this.lanes.size
  }

  get idle(): boolean {
    return this.running === 0 && this.size === 0
  }

  get closed(): boolean {
    return this.overflown !== undefined
  }

  /** As `Channel.consume`, but once, and before anything is offered. */
  consume(run: (item: LaneItem<T>) => void): void {
    this.slots.attach(run)
  }

  /** As `Channel.offer`; what `key` throws is thrown, and the item is as if it had never come. */
  offer(item: LaneItem<T>): 'accepted' | 'shed' | 'closed' {
    if (this.closed) return 'closed'
    const key = this.key(item.value)
    const lane = this.lanes.get(key) ?? new Lane<T>(key)
    if (this.slots.free && lane.running < this.perKeyConcurrency) {
      this.enter(item, lane)
      lane.running += 1
      this.slots.startNow(item)
      return 'accepted'
    }
    const full = this.fullness(lane)
    if (full !== undefined && this.strategy !== 'drop-oldest') {
      this.reject(item, full)
      return 'shed'
    }
    this.enter(item, lane)
    this.push(item, lane)
    // Only now, so that a lane whose only item gives way keeps its turn.
    if (full !== undefined) this.losses.add(this.shift(full === 'capacity' ? this.oldestLane : lane), 'evicted')
    this.watch()
    this.losses.tell()
    return 'accepted'
  }

  /** As `Channel.release`: the slot passes on in one step. */
  release(_end: ItemEnd, item: LaneItem<T>): void {
    this.slots.release(1)
    this.leave(item)
    this.claim()
  }

  /** As `Channel.drain`. */
  drain(): void {
    this.slots.drain()
  }

  /** Empties all lanes of what has not started, and returns it. */
  discard(): readonly LaneItem<T>[] {
    const granted = this.slots.recall()
    for (const item of granted) this.leave(item)
    return granted.concat(this.empty())
  }

  private enter(item: LaneItem<T>, lane: Lane<T>): void {
    item.lane = lane
    this.lanes.set(lane.key, lane)
  }

  /** An item that owned a slot is gone. */
  private leave({ lane }: LaneItem<T>): void {
    if (lane === undefined) return
    lane.running -= 1
    this.arrange(lane)
  }

  private push(item: LaneItem<T>, lane: Lane<T>): void {
    if (this.ttlMs !== Infinity) item.expiresAt = this.clock.now() + this.ttlMs
    this.byAge.add(item)
    lane.push(item)
    this.arrange(lane)
  }

  /** Takes the first that waits out of its lane. */
  private shift(lane: Lane<T>): LaneItem<T> {
    const item = lane.shift()
    this.byAge.delete(item)
    this.arrange(lane)
    return item
  }

  /** What has changed in a lane decides whether it queues for a slot, and whether it is there at all. */
  private arrange(lane: Lane<T>): void {
    if (lane.waiting > 0 && lane.running < this.perKeyConcurrency) this.turns.add(lane)
    else this.turns.delete(lane)
    if (lane.waiting === 0 && lane.running === 0) this.lanes.delete(lane.key)
  }

  /** What leaves an item of a lane no room, once what has expired has given up its place. */
  private fullness(lane: Lane<T>): 'perKeyCapacity' | 'capacity' | undefined {
    this.dropExpired()
    if (lane.waiting >= this.perKeyCapacity) return 'perKeyCapacity'
    return this.size >= this.capacity ? 'capacity' : undefined
  }

  private reject(item: LaneItem<T>, full: 'perKeyCapacity' | 'capacity'): void {
    if (this.strategy === 'fail') {
      this.overflown = full
      for (const lost of this.empty()) this.losses.add(lost, 'discarded')
    }
    this.losses.add(item, 'full')
    this.losses.tell()
  }

  private empty(): LaneItem<T>[] {
    const items: LaneItem<T>[] = []
    while (this.size > 0) items.push(this.shift(this.oldestLane))
    this.watch()
    return items
  }

  /** The lane of what has waited longest; something must wait. */
  private get oldestLane(): Lane<T> {
    return this.byAge.first?.lane as Lane<T>
  }

  /** Gives free slots to the lanes whose turn it is; no first item that may start is ever beside a free slot. */
  private claim(): void {
    this.dropExpired()
    while (this.slots.free && this.turns.size > 0) {
      const lane = this.turns.shift() as Lane<T>
      lane.running += 1
      this.slots.grant(this.shift(lane))
    }
    this.watch()
    this.losses.tell()
  }

  /** Takes out what has waited too long; it is told at the end of whatever is being done. */
  private dropExpired(): void {
    if (this.nextExpiry === Infinity) return
    const now = this.clock.now()
    while (this.nextExpiry <= now) this.losses.add(this.shift(this.oldestLane), 'expired')
  }

  private get nextExpiry(): number {
    return this.byAge.first?.expiresAt ?? Infinity
  }

  private watch(): void {
    this.expiry.watch(this.nextExpiry)
  }
}
