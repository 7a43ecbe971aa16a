import { ChannelClosedError, OverflowError } from './errors.ts'
import { checkFunction, checkInteger, checkKeys, checkOneOf } from './options.ts'
import { RingBuffer } from './ring-buffer.ts'
import { WaitLine } from './wait-line.ts'

/** What a full channel does with one item more. */
export type OverflowStrategy = 'drop-newest' | 'drop-oldest'

/** How an item that was accepted can end. */
export type ItemEnd = 'completed' | 'failed' | 'expired' | 'cancelled' | 'discarded'

/** How much may wait and run, and what happens beyond. */
export interface ChannelOptions<T> {
  /** Items that may wait, 0 …; with 0 an item is accepted only when a slot is free. */
  readonly capacity: number
  /** Slots: items that its consumer may run at once, 1 … or `Infinity`; default 1. */
  readonly concurrency?: number
  /** Default `'drop-newest'`: the item that arrives is shed and those that wait keep their places. */
  readonly overflow?: OverflowStrategy
  /** Callers that may wait in `send` at once, 0 …; default 1024. */
  readonly maxSenders?: number
  /** Told of an item that `drop-oldest` put out to make room; must not throw. */
  readonly onEvicted?: (value: T) => void
}

/** A channel's books. `offered = accepted + rejected + pending`, `shed = rejected + evicted`, and what was accepted is in exactly one of the other figures. */
export interface ChannelStats {
  readonly offered: number
  readonly accepted: number
  readonly rejected: number
  /** Callers that wait in `send`. */
  readonly pending: number
  readonly waiting: number
  readonly running: number
  readonly completed: number
  readonly failed: number
  readonly expired: number
  readonly cancelled: number
  readonly evicted: number
  readonly discarded: number
  readonly shed: number
}

/**
 * How deep starts may nest on one call stack. An item that arrives while a slot is free starts in that
 * very call; when starts cause arrivals without end, the deeper ones wait for the outer call to return.
 */
const deepestNesting = 12

/**
 * The engine beneath every bounded operator and stage: a ring buffer of items that wait, a number of slots
 * for items that run, and the counters. Everything is synchronous and nothing is lost uncounted.
 *
 * It is fed by `offer` (never waits) or `send` (waits for room), and emptied either by a consumer that is
 * called back (`consume`, then `release` and `drain` for each item) or by those who pull (`take`, `for await`).
 *
 * @example
 * ```ts
 * const jobs = new Channel<Job>({ capacity: 100 })
 * if (jobs.offer(job) === 'shed') console.warn('too busy')
 * for await (const job of jobs) await run(job)
 * ```
 *
 * @throws RangeError or TypeError that names the option, its value and the allowed range.
 */
export class Channel<T> {
  readonly capacity: number
  readonly concurrency: number
  private readonly dropOldest: boolean
  private readonly maxSenders: number
  private readonly onEvicted: ((value: T) => void) | undefined

  /** The first `claimed` of them own a slot already and are about to start; the others wait. */
  private readonly line: RingBuffer<T>
  private claimed = 0
  private inSlots = 0
  /** `concurrency` while a consumer is there, otherwise 0. */
  private slots = 0
  private consumer: ((value: T) => void) | undefined
  private nesting = 0
  private isClosed = false
  private senders: WaitLine<T, void> | undefined
  private takers: WaitLine<undefined, T> | undefined

  private accepted = 0
  private offered = 0
  private rejected = 0
  private completed = 0
  private failed = 0
  private expired = 0
  private cancelled = 0
  private evicted = 0
  private discarded = 0

  constructor(options: ChannelOptions<T>) {
    checkKeys('Channel', options, ['capacity', 'concurrency', 'overflow', 'maxSenders', 'onEvicted'])
    const { capacity, concurrency = 1, overflow = 'drop-newest', maxSenders = 1024, onEvicted } = options
    this.capacity = checkInteger('capacity', capacity, { max: Infinity })
    this.concurrency = checkInteger('concurrency', concurrency, { min: 1, max: Infinity })
    // Without a place to wait in there is nothing older to put out.
    this.dropOldest = checkOneOf('overflow', overflow, ['drop-newest', 'drop-oldest']) === 'drop-oldest' && capacity > 0
    this.maxSenders = checkInteger('maxSenders', maxSenders, { max: Infinity })
    this.onEvicted = onEvicted === undefined ? undefined : checkFunction('onEvicted', onEvicted)
    this.line = new RingBuffer(Math.min(capacity, 64))
  }

  /** Items that wait. */
  get size(): number {
    return this.line.length - this.claimed
  }

  /** Items that own a slot. */
  get running(): number {
    return this.inSlots
  }

  /** Nothing waits and nothing runs. */
  get idle(): boolean {
    return this.inSlots === 0 && this.line.length === 0
  }

  get closed(): boolean {
    return this.isClosed
  }

  get stats(): ChannelStats {
    const { offered, accepted, rejected, completed, failed, expired, cancelled, evicted, discarded } = this
    const pending = this.senders?.length ?? 0
    const books = { offered, accepted, rejected, pending, waiting: this.size, running: this.inSlots }
    return { ...books, completed, failed, expired, cancelled, evicted, discarded, shed: rejected + evicted }
  }

  /**
   * Brings an item, without waiting; it never throws, provided the consumer and `onEvicted` do not.
   *
   * @returns `'accepted'`: it has started or waits; `'shed'`: there was neither a slot nor room, and it was
   * counted as rejected; `'closed'`: the channel takes nothing any more.
   */
  offer(value: T): 'accepted' | 'shed' | 'closed' {
    if (this.isClosed) return 'closed'
    this.offered += 1
    if (this.inSlots < this.slots) {
      this.accepted += 1
      this.inSlots += 1
      this.startNow(value)
      return 'accepted'
    }
    if (this.takers !== undefined && this.takers.length > 0) {
      this.accepted += 1
      this.completed += 1
      this.takers.serve(value)
      return 'accepted'
    }
    if (this.size < this.capacity) {
      this.accepted += 1
      this.line.push(value)
      return 'accepted'
    }
    if (this.dropOldest) {
      const oldest = this.line.removeAt(this.claimed) as T
      this.evicted += 1
      this.accepted += 1
      this.line.push(value)
      this.onEvicted?.(oldest)
      return 'accepted'
    }
    this.rejected += 1
    return 'shed'
  }

  /**
   * Brings an item for which a place was reserved elsewhere: like `offer`, but it is never shed. While no
   * consumer is there its place is beyond the capacity if need be, as for items that are put back.
   */
  admit(value: T): 'accepted' | 'closed' {
    if (this.isClosed) return 'closed'
    this.offered += 1
    this.accepted += 1
    if (this.inSlots < this.slots) {
      this.inSlots += 1
      this.startNow(value)
    } else {
      this.line.push(value)
      this.serveTakers()
    }
    return 'accepted'
  }

  /**
   * Brings an item and waits until there is room for it, first come, first served.
   *
   * @throws ChannelClosedError when the channel is or gets closed; OverflowError when `maxSenders` wait
   * already; the signal's reason when it aborts. The item is then counted as rejected.
   */
  async send(value: T, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    options.signal?.throwIfAborted()
    if (this.isClosed) throw new ChannelClosedError('send: the channel is closed')
    this.senders ??= new WaitLine<T, void>()
    if (this.senders.length === 0 && this.hasRoom()) {
      this.offer(value)
      return
    }
    this.offered += 1
    if (this.senders.length >= this.maxSenders) {
      this.rejected += 1
      throw new OverflowError(`send: ${this.maxSenders} callers wait already, which is maxSenders`)
    }
    await this.senders.join(value, options.signal, () => {
      this.rejected += 1
    })
  }

  /**
   * Takes the first item, or waits for one. Items that wait can be taken after `close` too.
   *
   * @throws ChannelClosedError when the channel is closed and empty; the signal's reason when it aborts.
   */
  async take(options: { readonly signal?: AbortSignal } = {}): Promise<T> {
    options.signal?.throwIfAborted()
    if (this.size > 0) {
      const value = this.line.removeAt(this.claimed) as T
      this.completed += 1
      this.letSendersIn()
      return value
    }
    if (this.isClosed) throw new ChannelClosedError('take: the channel is closed and empty')
    this.takers ??= new WaitLine<undefined, T>()
    const taken = this.takers.join(undefined, options.signal)
    // A taker is room: with capacity 0 a sender waits for just that.
    this.letSendersIn()
    return taken
  }

  /** Takes items until the channel is closed and empty. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    while (this.size > 0 || !this.isClosed) {
      try {
        yield await this.take()
      } catch (error) {
        if (error instanceof ChannelClosedError) return
        throw error
      }
    }
  }

  /** Takes nothing any more; what waits is still run or taken. Those who wait in `send` are sent away. */
  close(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.rejected += this.senders?.length ?? 0
    this.senders?.dismiss(new ChannelClosedError('send: the channel was closed'))
    this.takers?.dismiss(new ChannelClosedError('take: the channel is closed and empty'))
  }

  /**
   * Makes `run` the consumer: it is called with each item that gets a slot, in order of arrival, and must
   * not throw. For each item it calls `release` once, hands on what came of it, then calls `drain`.
   *
   * @returns Takes the consumer away, as `detach` does.
   */
  consume(run: (value: T) => void): () => void {
    if (this.consumer !== undefined) throw new TypeError('consume: the channel has a consumer already')
    this.consumer = run
    this.slots = this.concurrency
    this.claim()
    this.drain()
    return () => this.detach(run)
  }

  /** Takes a consumer away, at any time: what waits stays; what runs is still to be released or requeued. */
  detach(run: (value: T) => void): void {
    if (this.consumer !== run) return
    this.consumer = undefined
    this.slots = 0
    this.inSlots -= this.claimed
    this.claimed = 0
    this.claim()
  }

  /** Ends one running item and gives its slot to the first that waits, which starts at the next `drain`. */
  release(end: ItemEnd): void {
    this.inSlots -= 1
    if (end === 'completed') this.completed += 1
    else this[end] += 1
    this.claim()
  }

  /**
   * Starts what owns a slot but has not started; called after `release`, once its result has been handed
   * on. Within the start of another item it does nothing, because the outermost start drains when it returns.
   */
  drain(): void {
    if (this.claimed > 0 && this.nesting === 0) this.startClaimed()
  }

  /** Takes back an item that waits; its place is free at once. `false` when it does not wait. */
  remove(value: T, end: ItemEnd): boolean {
    const index = this.line.indexOf(value)
    if (index === -1) return false
    this.line.removeAt(index)
    this[end] += 1
    if (index < this.claimed) {
      this.claimed -= 1
      this.inSlots -= 1
    }
    this.claim()
    this.drain()
    return true
  }

  /** Puts running items back before the first that waits, in the order given; they may exceed the capacity. */
  requeue(values: readonly T[]): void {
    this.inSlots -= values.length
    for (const value of values.toReversed()) this.line.unshift(value)
    this.claim()
    this.drain()
  }

  /** Empties the line; what has not started is counted as discarded and returned. */
  discard(): readonly T[] {
    const values: T[] = []
    // Also those that own a slot: whoever discards does not want them to start.
    this.inSlots -= this.claimed
    this.claimed = 0
    while (this.line.length > 0) values.push(this.line.shift() as T)
    this.discarded += values.length
    this.claim()
    this.drain()
    return values
  }

  private hasRoom(): boolean {
    return this.inSlots < this.slots || this.size < this.capacity || (this.takers?.length ?? 0) > 0
  }

  /** Gives free slots to those that wait first; nothing that waits is ever beside a free slot. */
  private claim(): void {
    while (this.inSlots < this.slots && this.claimed < this.line.length) {
      this.claimed += 1
      this.inSlots += 1
    }
    this.serveTakers()
    if (this.senders !== undefined && this.senders.length > 0) this.letSendersIn()
  }

  /** What comes back to the line, or never gets the slot it waited for, goes to those who pull. */
  private serveTakers(): void {
    const takers = this.takers
    while (takers !== undefined && takers.length > 0 && this.size > 0) {
      this.completed += 1
      takers.serve(this.line.removeAt(this.claimed) as T)
    }
  }

  private letSendersIn(): void {
    const senders = this.senders
    while (senders !== undefined && senders.length > 0 && this.hasRoom()) {
      const value = senders.serve() as T
      this.accepted += 1
      if (this.takers !== undefined && this.takers.length > 0) {
        this.completed += 1
        this.takers.serve(value)
        continue
      }
      this.line.push(value)
      if (this.inSlots < this.slots) {
        this.claimed += 1
        this.inSlots += 1
      }
    }
  }

  /** Starts an item that owns a slot, behind those that own one already. */
  private startNow(value: T): void {
    if (this.claimed === 0 && this.nesting < deepestNesting) {
      this.start(value)
      this.drain()
      return
    }
    this.line.push(value)
    this.claimed += 1
    if (this.nesting < deepestNesting) this.startClaimed()
  }

  private startClaimed(): void {
    while (this.claimed > 0) {
      this.claimed -= 1
      this.start(this.line.shift() as T)
    }
  }

  private start(value: T): void {
    this.nesting += 1
    try {
      this.consumer?.(value)
    } finally {
      this.nesting -= 1
    }
  }
}
