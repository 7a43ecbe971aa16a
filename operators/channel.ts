import { ChannelBooks, type ChannelStats, type ItemEnd } from './channel-books.ts'
import {
  type ChannelOptions,
  type ChannelSettings,
  checkCapacity,
  checkChannelOptions,
  checkConcurrency,
} from './channel-options.ts'
import { ChannelClosedError, OverflowError } from './errors.ts'
import type { Line, Rank } from './line.ts'
import { ExpiryTimer } from './expiry-timer.ts'
import { Losses } from './losses.ts'
import { isTooHeavy, mayPutOut, SendLine } from './send-line.ts'
import { Slots } from './slots.ts'
import { takeAll } from './take-all.ts'
import { WaitLine } from './wait-line.ts'

/**
 * The engine beneath every bounded operator and stage: a line of items that wait, a number of slots
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
  private readonly settings: ChannelSettings<T>
  private readonly books = new ChannelBooks()
  private readonly losses: Losses<T>
  private readonly line: Line<T>
  private readonly slots: Slots<T>
  private readonly expiry: ExpiryTimer | undefined
  private most: number
  /** What `take` says once nothing is left; there when the channel takes nothing any more. */
  private ending: Error | undefined
  private senders: SendLine<T> | undefined
  private takers: WaitLine<undefined, T> | undefined

  constructor(options: ChannelOptions<T>) {
    const settings = checkChannelOptions(options)
    this.settings = settings
    this.losses = new Losses(settings.onLost)
    this.most = settings.capacity
    this.slots = new Slots(settings.concurrency)
    this.line = settings.createLine()
    if (settings.ttlMs !== Infinity) {
      this.expiry = new ExpiryTimer(settings.clock, () => {
        this.claim()
        settings.onRoom?.()
      })
    }
  }

  /** Items (or units) that may wait. */
  get capacity(): number {
    return this.most
  }

  /** Slots that there are once a consumer is there. */
  get concurrency(): number {
    return this.slots.concurrency
  }

  /** Items that wait. */
  get size(): number {
    return this.line.length
  }

  /** Items that own a slot. */
  get running(): number {
    return this.slots.taken
  }

  /** Nothing waits and nothing runs. */
  get idle(): boolean {
    return this.running === 0 && this.size === 0
  }

  get closed(): boolean {
    return this.ending !== undefined
  }

  get stats(): ChannelStats {
    const { line, senders, running } = this
    return this.books.with({ pending: senders?.length ?? 0, waiting: line.length, waitingWeight: line.load, running })
  }

  /** Changes how much may wait. When it is lowered nothing is put out: what waits becomes less until it fits. */
  setCapacity(capacity: number): void {
    this.most = checkCapacity(capacity)
    this.arrange()
  }

  /** Changes how many may run. When it is lowered, what runs beyond it goes on and no other takes its slot. */
  setConcurrency(concurrency: number): void {
    this.slots.concurrency = checkConcurrency(concurrency)
    this.arrange()
  }

  /**
   * Brings an item, without waiting; it never throws, provided the consumer and the functions among the
   * options do not.
   *
   * @returns `'accepted'`: it has started or waits; `'shed'`: there was neither a slot nor room, and it was
   * counted as rejected; `'closed'`: the channel takes nothing any more.
   */
  offer(value: T): 'accepted' | 'shed' | 'closed' {
    if (this.ending !== undefined) return 'closed'
    const weight = this.settings.weight(value)
    const rank = this.settings.rank(value)
    this.books.offered += 1
    if (this.hasRoom(value, weight)) {
      this.accept(value, weight, rank)
      return 'accepted'
    }
    if (!this.makeRoom(weight, rank)) {
      this.reject(value, weight)
      return 'shed'
    }
    this.accept(value, weight, rank)
    // What gave way may have been heavier than what came.
    this.letSendersIn()
    this.losses.tell()
    return 'accepted'
  }

  /** Whether `offer` would accept the item now, at once or by putting others out. */
  accepts(value: T): boolean {
    if (this.line.nextExpiry !== Infinity) this.claim()
    if (this.ending !== undefined) return false
    const weight = this.settings.weight(value)
    if (this.hasRoom(value, weight)) return true
    if (!mayPutOut(this.settings.strategy, weight, this.most)) return false
    return this.line.canGiveWay(weight, this.settings.rank(value), this.most)
  }

  /**
   * Brings an item for which a place was reserved elsewhere: like `offer`, but it is never shed. While no
   * consumer is there its place is beyond the capacity if need be, as for items that are put back.
   */
  admit(value: T): 'accepted' | 'closed' {
    if (this.ending !== undefined) return 'closed'
    this.books.offered += 1
    this.accept(value, this.settings.weight(value), this.settings.rank(value))
    return 'accepted'
  }

  /**
   * Brings an item and waits until there is room for it, first come, first served.
   *
   * @throws ChannelClosedError when the channel is or gets closed; OverflowError when `maxSenders` wait already
   * or the item is heavier than the capacity; the signal's reason when it aborts. The item is then counted as
   * rejected.
   */
  async send(value: T, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    options.signal?.throwIfAborted()
    if (this.ending !== undefined) throw new ChannelClosedError('send: the channel is closed')
    const brought = { value, weight: this.settings.weight(value), rank: this.settings.rank(value) }
    this.senders ??= new SendLine(this.settings.maxSenders)
    this.claim()
    this.books.offered += 1
    if (this.senders.length === 0 && this.hasRoom(value, brought.weight)) {
      this.accept(value, brought.weight, brought.rank)
      return
    }
    const refused = (): void => {
      this.books.rejected += 1
      // What it brought may have been too heavy for the room that the next finds.
      this.letSendersIn()
    }
    await this.senders.joinOrRefuse(brought, this.most, options.signal, refused)
  }

  /**
   * Takes the first item, or waits for one. Items that wait can be taken after `close` too.
   *
   * @throws ChannelClosedError when the channel is closed and empty, OverflowError when it failed by overflow;
   * the signal's reason when it aborts.
   */
  async take(options: { readonly signal?: AbortSignal } = {}): Promise<T> {
    options.signal?.throwIfAborted()
    this.claim()
    if (this.line.startable > 0) {
      const value = this.line.shift() as T
      this.slots.putBack.delete(value)
      this.books.completed += 1
      this.letSendersIn()
      return value
    }
    if (this.ending !== undefined && this.line.length === 0) throw this.ending
    this.takers ??= new WaitLine<undefined, T>()
    const taken = this.takers.join(undefined, options.signal)
    // A taker is room: with capacity 0 a sender waits for just that.
    this.letSendersIn()
    return taken
  }

  /** Takes items until the channel is closed and empty. */
  [Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    return takeAll(this)
  }

  /** Takes nothing any more; what waits is still run or taken. Those who wait in `send` are sent away. */
  close(): void {
    this.end(new ChannelClosedError('take: the channel is closed and empty'))
  }

  /**
   * Makes `run` the consumer: it is called with each item that gets a slot, in order of arrival, and must
   * not throw. For each item it calls `release` once, hands on what came of it, then calls `drain`. `again` is whether
   * it was put back after it had run.
   *
   * @returns Takes the consumer away, as `detach` does.
   */
  consume(run: (value: T, again: boolean) => void): () => void {
    this.slots.attach(run)
    this.arrange()
    return () => this.detach(run)
  }

  /** Takes a consumer away, at any time: what waits stays; what runs is still to be released or requeued. */
  detach(run: (value: T, again: boolean) => void): void {
    if (this.slots.detach(run)) this.requeue([])
  }

  /** Ends one running item and gives its slot to the first that waits, which starts at the next `drain`. */
  release(end: ItemEnd): void {
    this.slots.release(1)
    this.books.end(end)
    this.claim()
  }

  /**
   * Starts what owns a slot but has not started; called after `release`, once its result has been handed
   * on. Within the start of another item it does nothing: the outermost start drains when it returns.
   */
  drain(): void {
    this.slots.drain()
    this.settings.onRoom?.()
  }

  /** Takes back an item that waits; its place is free at once. `false` when it does not wait. */
  remove(value: T, end: ItemEnd): boolean {
    if (!this.slots.revoke(value) && !this.line.remove(value)) return false
    this.slots.putBack.delete(value)
    this.books.end(end)
    this.arrange()
    return true
  }

  /** Lets an item start that `mayStart` has held; the function must say so, too, from now on. */
  free(value: T): void {
    this.line.free(value)
    this.arrange()
  }

  /** Puts running items back before the first that waits, in the order given, beyond the capacity if need be; `again` is what `consume` then tells of them. */
  requeue(values: readonly T[], again = true): void {
    const { weight, rank } = this.settings
    if (again) for (const value of values) this.slots.putBack.add(value)
    // Before those, too, that own a slot and have not started: they have to wait again.
    const back = values.concat(this.slots.recall())
    this.slots.release(values.length)
    for (const value of back.toReversed()) this.line.unshift(value, weight(value), rank(value))
    this.arrange()
  }

  /** Empties the line; what has not started is counted as discarded and returned. */
  discard(): readonly T[] {
    // Also those that own a slot: whoever discards does not want them to start.
    const values = this.empty(this.slots.recall())
    this.arrange()
    return values
  }

  /** Empties the line behind what is discarded already. */
  private empty(values: T[]): readonly T[] {
    while (this.line.length > 0) values.push(this.line.shift() as T)
    this.slots.putBack.clear()
    this.books.discarded += values.length
    this.expiry?.watch(Infinity)
    return values
  }

  private hasRoom(value: T, weight: number): boolean {
    if (this.line.load + weight <= this.most) return true
    return (this.slots.free || (this.takers?.length ?? 0) > 0) && this.settings.mayStart(value)
  }

  /** Starts it, gives it to one who waits for it, or lets it wait. */
  private accept(value: T, weight: number, rank: Rank): void {
    this.books.accepted += 1
    if (this.slots.free && this.settings.mayStart(value)) this.slots.startNow(value)
    else this.place(value, weight, rank)
  }

  /** Lets it wait, unless somebody waits for it. */
  private place(value: T, weight: number, rank: Rank): void {
    const expiresAt = this.expiry === undefined ? Infinity : this.settings.clock.now() + this.settings.ttlMs
    this.line.push(value, weight, rank, expiresAt, this.settings.mayStart(value))
    if (this.takers !== undefined) this.serveTakers()
    this.expiry?.watch(this.line.nextExpiry)
  }

  /** Lets what has expired give up its place, then what the strategy puts out; `false` when it puts out nothing. */
  private makeRoom(weight: number, rank: Rank): boolean {
    if (this.line.nextExpiry !== Infinity) {
      this.dropExpired()
      this.letSendersIn()
      if (this.line.load + weight <= this.most) return true
    }
    if (!mayPutOut(this.settings.strategy, weight, this.most)) return false
    const evicted = this.line.giveWay(weight, rank, this.most)
    this.books.evicted += evicted.length
    for (const value of evicted) this.slots.putBack.delete(value)
    for (const value of evicted) this.losses.add(value, 'evicted')
    return evicted.length > 0
  }

  private reject(value: T, weight: number): void {
    this.books.rejected += 1
    if (this.settings.strategy === 'fail' && this.most > 0) {
      for (const lost of this.empty([])) this.losses.add(lost, 'discarded')
      this.end(new OverflowError(`the channel was given more than its capacity of ${this.most}`))
    }
    this.losses.add(value, isTooHeavy(weight, this.most) ? 'too-large' : 'full')
    this.losses.tell()
  }

  private end(ending: Error): void {
    if (this.ending !== undefined) return
    this.ending = ending
    this.books.rejected += this.senders?.length ?? 0
    this.senders?.dismiss(new ChannelClosedError('send: the channel was closed'))
    this.serveTakers()
    this.expiry?.watch(this.line.nextExpiry)
  }

  private arrange(): void {
    this.claim()
    this.drain()
  }

  /** Gives free slots to those that wait first; nothing that waits is ever beside a free slot. */
  private claim(): void {
    if (this.line.nextExpiry !== Infinity) this.dropExpired()
    while (this.slots.free && this.line.startable > 0) this.slots.grant(this.line.shift() as T)
    this.serveTakers()
    this.letSendersIn()
    this.losses.tell()
  }

  /** What comes back to the line, or never gets the slot it waited for, goes to those who pull; at the end nothing. */
  private serveTakers(): void {
    const takers = this.takers
    while (takers !== undefined && takers.length > 0 && this.line.startable > 0) {
      const value = this.line.shift() as T
      this.slots.putBack.delete(value)
      this.books.completed += 1
      takers.serve(value)
    }
    if (this.ending !== undefined && this.line.length === 0) takers?.dismiss(this.ending)
  }

  private letSendersIn(): void {
    const senders = this.senders
    for (let head = senders?.first; senders !== undefined && head !== undefined; head = senders.first) {
      const { value, weight, rank } = head
      if (!this.hasRoom(value, weight)) {
        if (!senders.refuseTooHeavy(this.most)) break
        this.books.rejected += 1
        continue
      }
      this.books.accepted += 1
      senders.serve()
      if (this.slots.free && this.settings.mayStart(value)) this.slots.grant(value)
      else this.place(value, weight, rank)
    }
    this.expiry?.watch(this.line.nextExpiry)
  }

  /** Takes out what has waited too long; it is told at the end of whatever is being done. */
  private dropExpired(): void {
    const now = this.settings.clock.now()
    for (let value = this.line.takeExpired(now); value !== undefined; value = this.line.takeExpired(now)) {
      this.books.expired += 1
      this.losses.add(value, 'expired')
    }
  }
}
