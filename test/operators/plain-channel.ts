import type { ChannelStats, ItemEnd, OverflowStrategy } from '../../operators/index.ts'

export interface PlainChannelOptions {
  readonly capacity: number
  readonly concurrency: number
  readonly overflow: OverflowStrategy
  readonly maxSenders: number
}

/** One who waits in `send` or `take`, with what to tell it. */
interface Caller {
  readonly id: number
  readonly settle: (result: string) => void
}

/** So deep may starts cause starts; what is brought deeper starts when the outer ones return. */
const deepest = 12

const noItems = { offered: 0, accepted: 0, rejected: 0, completed: 0, failed: 0 }

/** What a channel does, on plain arrays and without any cleverness: the model that the real one is held to. */
export class PlainChannel {
  private readonly options: PlainChannelOptions
  private readonly onEvicted: (id: number) => void
  private readonly counts = { ...noItems, expired: 0, cancelled: 0, evicted: 0, discarded: 0 }
  private waiting: number[] = []
  /** They own a slot and start at the next drain. */
  private granted: number[] = []
  private inSlots = 0
  private consumer: ((id: number) => void) | undefined
  private depth = 0
  private senders: Caller[] = []
  private takers: Caller[] = []
  closed = false

  constructor(options: PlainChannelOptions, onEvicted: (id: number) => void) {
    this.options = options
    this.onEvicted = onEvicted
  }

  get stats(): ChannelStats {
    const { counts } = this
    const present = { pending: this.senders.length, waiting: this.waiting.length, running: this.inSlots }
    return { ...counts, ...present, shed: counts.rejected + counts.evicted }
  }

  /** What must never be true between two calls: something waits beside what it waits for. */
  get idles(): boolean {
    const { waiting, takers, senders } = this
    return (waiting.length > 0 && (this.slotIsFree() || takers.length > 0)) || (senders.length > 0 && this.hasRoom())
  }

  offer(id: number): string {
    if (this.closed) return 'closed'
    this.counts.offered += 1
    if (!this.hasRoom()) {
      if (this.options.overflow === 'drop-newest' || this.options.capacity === 0) {
        this.counts.rejected += 1
        return 'shed'
      }
      const oldest = this.waiting.shift()!
      this.counts.evicted += 1
      this.counts.accepted += 1
      this.waiting.push(id)
      this.onEvicted(oldest)
      return 'accepted'
    }
    this.accept(id)
    return 'accepted'
  }

  admit(id: number): string {
    if (this.closed) return 'closed'
    this.counts.offered += 1
    this.accept(id)
    return 'accepted'
  }

  send(id: number, settle: (result: string) => void): void {
    if (this.closed) {
      settle('channel_closed')
    } else if (this.senders.length === 0 && this.hasRoom()) {
      this.offer(id)
      settle('sent')
    } else {
      this.counts.offered += 1
      if (this.senders.length < this.options.maxSenders) {
        this.senders.push({ id, settle })
      } else {
        this.counts.rejected += 1
        settle('overflow')
      }
    }
  }

  take(id: number, settle: (result: string) => void): void {
    if (this.waiting.length === 0 && this.closed) {
      settle('channel_closed')
    } else {
      this.takers.push({ id, settle })
      this.arrange()
    }
  }

  /** The caller's signal aborts; one that does not wait is not touched by it. */
  abort(id: number): void {
    const sender = this.senders.find((caller) => caller.id === id)
    const caller = sender ?? this.takers.find((taker) => taker.id === id)
    if (caller === undefined) return
    this.senders = this.senders.filter((other) => other !== caller)
    this.takers = this.takers.filter((other) => other !== caller)
    if (sender !== undefined) this.counts.rejected += 1
    caller.settle('aborted')
  }

  close(): void {
    if (this.closed) return
    this.closed = true
    this.counts.rejected += this.senders.length
    for (const caller of [...this.senders, ...this.takers]) caller.settle('channel_closed')
    this.senders = []
    this.takers = []
  }

  consume(run: (id: number) => void): () => void {
    this.consumer = run
    this.arrange()
    this.drain()
    return () => {
      this.consumer = undefined
      this.inSlots -= this.granted.length
      this.waiting.unshift(...this.granted)
      this.granted = []
      this.arrange()
    }
  }

  release(end: ItemEnd): void {
    this.inSlots -= 1
    this.counts[end] += 1
    this.arrange()
  }

  drain(): void {
    if (this.depth === 0) this.startGranted()
  }

  remove(id: number, end: ItemEnd): boolean {
    const wasGranted = this.granted.includes(id)
    if (!wasGranted && !this.waiting.includes(id)) return false
    this.granted = this.granted.filter((other) => other !== id)
    this.waiting = this.waiting.filter((other) => other !== id)
    if (wasGranted) this.inSlots -= 1
    this.counts[end] += 1
    this.arrange()
    this.drain()
    return true
  }

  requeue(ids: readonly number[]): void {
    const owned = this.granted.length
    const line = [...ids, ...this.granted, ...this.waiting]
    this.inSlots -= ids.length
    this.granted = line.slice(0, owned)
    this.waiting = line.slice(owned)
    this.arrange()
    this.drain()
  }

  discard(): readonly number[] {
    const line = [...this.granted, ...this.waiting]
    this.inSlots -= this.granted.length
    this.granted = []
    this.waiting = []
    this.counts.discarded += line.length
    this.arrange()
    this.drain()
    return line
  }

  private slotIsFree(): boolean {
    return this.consumer !== undefined && this.inSlots < this.options.concurrency
  }

  private hasRoom(): boolean {
    return this.slotIsFree() || this.takers.length > 0 || this.waiting.length < this.options.capacity
  }

  private accept(id: number): void {
    this.counts.accepted += 1
    if (this.slotIsFree()) {
      this.inSlots += 1
      this.begin(id)
    } else {
      this.waiting.push(id)
      this.arrange()
    }
  }

  /** Gives what is free to those who wait for it, first come, first served. */
  private arrange(): void {
    for (;;) {
      if (this.waiting.length > 0 && this.slotIsFree()) {
        this.inSlots += 1
        this.granted.push(this.waiting.shift()!)
      } else if (this.waiting.length > 0 && this.takers.length > 0) {
        this.counts.completed += 1
        this.takers.shift()!.settle(`took ${this.waiting.shift()!}`)
      } else if (this.senders.length > 0 && this.hasRoom()) {
        const sender = this.senders.shift()!
        this.counts.accepted += 1
        this.waiting.push(sender.id)
        sender.settle('sent')
      } else {
        return
      }
    }
  }

  private begin(id: number): void {
    if (this.granted.length === 0 && this.depth < deepest) {
      this.start(id)
      this.drain()
    } else {
      this.granted.push(id)
      if (this.depth < deepest) this.startGranted()
    }
  }

  private startGranted(): void {
    while (this.granted.length > 0) this.start(this.granted.shift()!)
  }

  private start(id: number): void {
    this.depth += 1
    this.consumer?.(id)
    this.depth -= 1
  }
}
