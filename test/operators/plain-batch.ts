import fc from 'fast-check'

export interface Arrival {
  readonly afterMs: number
  readonly key: number
  readonly weight: number
}

export const anyArrivals: fc.Arbitrary<readonly Arrival[]> = fc.array(
  fc.record({
    afterMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 15 })),
    key: fc.nat({ max: 3 }),
    weight: fc.constantFrom(0.5, 1, 2, 7),
  }),
  { maxLength: 40, size: 'max' },
)

export interface BatchLimits {
  readonly size: number
  readonly timeoutMs: number
  readonly keyed: boolean
  readonly weighed: boolean
  readonly maxKeys: number
}

export const anyBatchLimits: fc.Arbitrary<BatchLimits> = fc.record({
  size: fc.integer({ min: 1, max: 6 }),
  timeoutMs: fc.constantFrom(1, 10, 25, Infinity),
  keyed: fc.boolean(),
  weighed: fc.boolean(),
  maxKeys: fc.constantFrom(1, 2, 3, Infinity),
})

export interface Given {
  readonly at: number
  readonly items: readonly number[]
}

interface Open {
  readonly key: number
  readonly since: number
  readonly items: number[]
}

/** `batch` as plainly as can be: an array of what is open, the oldest first. */
export class PlainBatch {
  readonly given: Given[] = []
  open: Open[] = []
  private readonly arrivals: readonly Arrival[]
  private readonly limits: BatchLimits

  constructor(arrivals: readonly Arrival[], limits: BatchLimits) {
    this.arrivals = arrivals
    this.limits = limits
  }

  arrive(item: number, now: number): void {
    const { size, maxKeys, keyed } = this.limits
    const key = keyed ? this.arrivals[item]!.key : 0
    const mine = this.open.find((other) => other.key === key)
    if (mine !== undefined && this.load([...mine.items, item]) > size) this.give(mine, now)
    if (!this.open.some((other) => other.key === key)) {
      if (this.open.length === (keyed ? maxKeys : Infinity)) this.give(this.open[0]!, now)
      this.open.push({ key, since: now, items: [] })
    }
    const batch = this.open.find((other) => other.key === key)!
    batch.items.push(item)
    if (this.load(batch.items) >= size) this.give(batch, now)
  }

  pass(until: number): void {
    const { timeoutMs } = this.limits
    for (const batch of [...this.open]) if (batch.since + timeoutMs <= until) this.give(batch, batch.since + timeoutMs)
  }

  end(now: number): void {
    for (const batch of [...this.open]) this.give(batch, now)
  }

  load(items: readonly number[]): number {
    return items.reduce((sum, item) => sum + (this.limits.weighed ? this.arrivals[item]!.weight : 1), 0)
  }

  private give(batch: Open, at: number): void {
    this.open = this.open.filter((other) => other !== batch)
    this.given.push({ at, items: batch.items })
  }
}
