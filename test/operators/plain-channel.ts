import type { ChannelStats, ItemEnd } from '../../operators/index.ts'
import { PlainLine, type PlainLineOptions } from './plain-line.ts'

export interface PlainChannelOptions extends PlainLineOptions {
  readonly concurrency: number
  readonly maxSenders: number
  readonly ttlMs: number
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
export class PlainChannel extends PlainLine<PlainChannelOptions> {
  private readonly now: () => number
  private readonly onLost: (id: number, reason: string) => void
  private readonly counts: Record<string, number> = { ...noItems, expired: 0, cancelled: 0, evicted: 0, discarded: 0 }
  private concurrency: number
  /** They own a slot and start at the next drain. */
  private granted: number[] = []
  private inSlots = 0
  private consumer: ((id: number) => void) | undefined
  private depth = 0
  private senders: Caller[] = []
  private takers: Caller[] = []
  private untold: (() => void)[] = []
  /** The code of the error that those get who still ask. */
  private ending: string | undefined

  constructor(options: PlainChannelOptions, now: () => number, onLost: (id: number, reason: string) => void) {
    super(options)
    this.now = now
    this.onLost = onLost
    this.concurrency = options.concurrency
  }

  get closed(): boolean {
    return this.ending !== undefined
  }

  get stats(): ChannelStats {
    const { counts, waiting } = this
    const present = { pending: this.senders.length, waiting: waiting.length, running: this.inSlots }
    const sums = { waitingWeight: this.load, shed: counts['rejected']! + counts['evicted']! }
    return { ...counts, ...present, ...sums } as unknown as ChannelStats
  }

  /** What must never be true between two calls: something waits beside what it waits for. */
  get idles(): boolean {
    const { takers, senders } = this
    const sender = senders[0]
    return (
      (this.startable().length > 0 && (this.slotIsFree() || takers.length > 0)) ||
      (sender !== undefined && this.hasRoom(sender.id))
    )
  }

  setCapacity(capacity: number): void {
    this.capacity = capacity
    this.arrange()
    this.drain()
  }

  setConcurrency(concurrency: number): void {
    this.concurrency = concurrency
    this.arrange()
    this.drain()
  }

  offer(id: number): string {
    if (this.closed) return 'closed'
    this.count('offered')
    const hasRoom = this.hasRoom(id)
    if (!hasRoom && !this.makeRoom(id)) {
      this.reject(id)
      return 'shed'
    }
    this.accept(id)
    if (hasRoom) return 'accepted'
    this.letSendersIn()
    this.tell()
    return 'accepted'
  }

  admit(id: number): string {
    if (this.closed) return 'closed'
    this.count('offered')
    this.accept(id)
    return 'accepted'
  }

  send(id: number, settle: (result: string) => void): void {
    if (this.closed) {
      settle('channel_closed')
      return
    }
    this.arrange()
    this.count('offered')
    if (this.senders.length === 0 && this.hasRoom(id)) {
      this.accept(id)
      settle('sent')
    } else if (this.neverFits(id) || this.senders.length >= this.options.maxSenders) {
      this.count('rejected')
      settle('overflow')
    } else {
      this.senders.push({ id, settle })
    }
  }

  take(id: number, settle: (result: string) => void): void {
    this.arrange()
    if (this.waiting.length === 0 && this.ending !== undefined) {
      settle(this.ending)
    } else {
      this.takers.push({ id, settle })
      this.arrange()
    }
  }

  free(id: number): void {
    this.letGo(id)
    this.arrange()
    this.drain()
  }

  /** The caller's signal aborts; one that does not wait is not touched by it. */
  abort(id: number): void {
    const sender = this.senders.find((caller) => caller.id === id)
    const caller = sender ?? this.takers.find((taker) => taker.id === id)
    if (caller === undefined) return
    this.senders = this.senders.filter((other) => other !== caller)
    this.takers = this.takers.filter((other) => other !== caller)
    if (sender !== undefined) this.count('rejected')
    caller.settle('aborted')
    this.letSendersIn()
  }

  close(): void {
    this.end('channel_closed')
  }

  consume(run: (id: number) => void): () => void {
    this.consumer = run
    this.arrange()
    this.drain()
    return () => {
      this.consumer = undefined
      this.requeue([])
    }
  }

  release(end: ItemEnd): void {
    this.inSlots -= 1
    this.count(end)
    this.arrange()
  }

  drain(): void {
    if (this.depth === 0) this.startGranted()
  }

  remove(id: number, end: ItemEnd): boolean {
    const wasGranted = this.granted.includes(id)
    if (!wasGranted && !this.waiting.some((place) => place.id === id)) return false
    this.granted = this.granted.filter((other) => other !== id)
    this.waiting = this.waiting.filter((place) => place.id !== id)
    if (wasGranted) this.inSlots -= 1
    this.count(end)
    this.arrange()
    this.drain()
    return true
  }

  requeue(ids: readonly number[]): void {
    const back = [...ids, ...this.granted]
    this.inSlots -= back.length
    this.granted = []
    for (const id of back.toReversed()) this.comeBack(id)
    this.arrange()
    this.drain()
  }

  discard(): readonly number[] {
    const line = [...this.granted, ...this.inOrderOfLeaving().map(({ id }) => id)]
    this.inSlots -= this.granted.length
    this.granted = []
    this.waiting = []
    this.count('discarded', line.length)
    this.arrange()
    this.drain()
    return line
  }

  private count(figure: string, by = 1): void {
    this.counts[figure]! += by
  }

  private slotIsFree(): boolean {
    return this.consumer !== undefined && this.inSlots < this.concurrency
  }

  private hasRoom(id: number): boolean {
    return this.fits(id) || (this.mayStart(id) && (this.slotIsFree() || this.takers.length > 0))
  }

  private accept(id: number): void {
    this.count('accepted')
    if (this.mayStart(id) && this.slotIsFree()) {
      this.inSlots += 1
      this.begin(id)
    } else if (this.mayStart(id) && this.takers.length > 0) {
      this.count('completed')
      this.takers.shift()!.settle(`took ${id}`)
    } else {
      this.join(id, this.now() + this.options.ttlMs)
    }
  }

  private makeRoom(id: number): boolean {
    if (this.options.ttlMs !== Infinity) {
      this.dropExpired()
      this.letSendersIn()
      if (this.fits(id)) return true
    }
    const evicted = this.giveWay(id)
    this.count('evicted', evicted.length)
    for (const place of evicted) this.lose(place.id, 'evicted')
    return evicted.length > 0
  }

  private reject(id: number): void {
    this.count('rejected')
    if (this.options.overflow === 'fail' && this.capacity > 0) {
      const line = this.inOrderOfLeaving()
      this.waiting = []
      this.end('overflow')
      this.count('discarded', line.length)
      for (const place of line) this.lose(place.id, 'discarded')
    }
    this.lose(id, this.neverFits(id) ? 'too-large' : 'full')
    this.tell()
  }

  private end(code: string): void {
    if (this.closed) return
    this.ending = code
    this.count('rejected', this.senders.length)
    for (const caller of this.senders) caller.settle('channel_closed')
    this.senders = []
    this.sendTakersAway()
  }

  /** Nothing will come any more. */
  private sendTakersAway(): void {
    if (this.ending === undefined || this.waiting.length > 0) return
    for (const caller of this.takers) caller.settle(this.ending)
    this.takers = []
  }

  private lose(id: number, reason: string): void {
    this.untold.push(() => {
      this.onLost(id, reason)
    })
  }

  private tell(): void {
    for (let next = this.untold.shift(); next !== undefined; next = this.untold.shift()) next()
  }

  private dropExpired(): void {
    const expired = this.waiting.filter(({ expiresAt }) => expiresAt <= this.now())
    this.waiting = this.waiting.filter((place) => !expired.includes(place))
    this.count('expired', expired.length)
    for (const { id } of expired) this.lose(id, 'expired')
  }

  /** Gives what is free to those who wait for it, first come, first served. */
  arrange(): void {
    this.dropExpired()
    while (this.startable().length > 0 && (this.slotIsFree() || this.takers.length > 0)) {
      const next = this.startable()[0]!
      this.waiting = this.waiting.filter((place) => place !== next)
      if (this.slotIsFree()) {
        this.inSlots += 1
        this.granted.push(next.id)
      } else {
        this.count('completed')
        this.takers.shift()!.settle(`took ${next.id}`)
      }
    }
    this.sendTakersAway()
    this.letSendersIn()
    this.tell()
  }

  private letSendersIn(): void {
    for (let sender = this.senders[0]; sender !== undefined; sender = this.senders[0]) {
      const { id, settle } = sender
      if (!this.hasRoom(id)) {
        if (!this.neverFits(id)) return
        this.senders.shift()
        this.count('rejected')
        settle('overflow')
        continue
      }
      this.senders.shift()
      this.count('accepted')
      if (this.mayStart(id) && this.slotIsFree()) {
        this.inSlots += 1
        this.granted.push(id)
      } else if (this.mayStart(id) && this.takers.length > 0) {
        this.count('completed')
        this.takers.shift()!.settle(`took ${id}`)
      } else {
        this.join(id, this.now() + this.options.ttlMs)
      }
      settle('sent')
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
