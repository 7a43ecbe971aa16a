import fc from 'fast-check'

/** What a keyed operator or channel is made of. */
export interface KeyedLimits {
  readonly perKeyCapacity: number
  readonly perKeyConcurrency: number
  readonly capacity: number
  readonly concurrency: number
  readonly overflow: 'drop-newest' | 'drop-oldest' | 'fail'
  readonly ttlMs: number
}

export const anyKeyedLimits: fc.Arbitrary<KeyedLimits> = fc.record({
  perKeyCapacity: fc.constantFrom(0, 1, 1, 2, 3, Infinity),
  perKeyConcurrency: fc.constantFrom(1, 1, 1, 2, Infinity),
  capacity: fc.constantFrom(0, 1, 2, 4, Infinity, Infinity),
  concurrency: fc.constantFrom(1, 2, 3, Infinity),
  overflow: fc.constantFrom('drop-newest', 'drop-oldest', 'fail'),
  ttlMs: fc.constantFrom(Infinity, Infinity, 1, 12),
})

interface Waiting {
  readonly item: number
  readonly key: number
  readonly expiresAt: number
}

/** What a keyed channel says it does, as plainly as can be: one array of all that waits, searched for everything. */
export class PlainKeyed {
  /** What has happened, in order: `start 1`, `evicted 2` … */
  readonly log: string[] = []
  closed = false
  waiting: Waiting[] = []
  running: { readonly item: number; readonly key: number }[] = []
  /** The keys that queue for a slot. */
  private turns: number[] = []
  private readonly limits: KeyedLimits

  constructor(limits: KeyedLimits) {
    this.limits = limits
  }

  get keys(): number {
    return new Set([...this.waiting, ...this.running].map(({ key }) => key)).size
  }

  arrive(item: number, key: number, now: number): 'accepted' | 'shed' | 'closed' {
    const { perKeyCapacity, capacity, concurrency, overflow, ttlMs } = this.limits
    if (this.closed) return 'closed'
    if (this.running.length < concurrency && this.mayStart(key)) {
      this.start(item, key)
      return 'accepted'
    }
    const ofKey = this.waiting.filter((other) => other.key === key)
    const full = ofKey.length >= perKeyCapacity ? ofKey : this.waiting.length >= capacity ? this.waiting : undefined
    if (full !== undefined) {
      const nothingMayWait = perKeyCapacity === 0 || capacity === 0
      if (nothingMayWait || overflow !== 'drop-oldest') {
        if (overflow === 'fail' && !nothingMayWait) {
          this.closed = true
          this.discard()
        }
        this.log.push(`full ${item}`)
        return 'shed'
      }
    }
    this.waiting.push({ item, key, expiresAt: now + ttlMs })
    if (full !== undefined) this.lose(full[0]!, 'evicted')
    this.queue()
    return 'accepted'
  }

  end(item: number, now: number): void {
    const ended = this.running.find((other) => other.item === item)!
    this.running = this.running.filter((other) => other !== ended)
    // Behind those that queue already.
    this.queue()
    this.expire(now)
    while (this.running.length < this.limits.concurrency && this.turns.length > 0) {
      const key = this.turns.shift()!
      const first = this.waiting.find((other) => other.key === key)!
      this.waiting = this.waiting.filter((other) => other !== first)
      this.start(first.item, key)
      this.queue()
    }
  }

  expire(now: number): void {
    for (const waiting of [...this.waiting]) if (waiting.expiresAt <= now) this.lose(waiting, 'expired')
    this.queue()
  }

  discard(): void {
    for (const waiting of [...this.waiting]) this.lose(waiting, 'discarded')
    this.queue()
  }

  private start(item: number, key: number): void {
    this.running.push({ item, key })
    this.log.push(`start ${item}`)
  }

  private lose(waiting: Waiting, how: string): void {
    this.waiting = this.waiting.filter((other) => other !== waiting)
    this.log.push(`${how} ${waiting.item}`)
  }

  private mayStart(key: number): boolean {
    return this.running.filter((other) => other.key === key).length < this.limits.perKeyConcurrency
  }

  /** Who queues keeps its place; who may not start, or has nothing to start, does not queue. */
  private queue(): void {
    const eligible = [...new Set(this.waiting.map(({ key }) => key).filter((key) => this.mayStart(key)))]
    const queued = this.turns.filter((key) => eligible.includes(key))
    this.turns = [...queued, ...eligible.filter((key) => !queued.includes(key))]
  }
}
