export interface PlainLineOptions {
  readonly capacity: number
  readonly overflow: 'drop-newest' | 'drop-oldest' | 'drop-lowest' | 'fail'
  /** What the items weigh, by turns; `undefined` when the channel knows no weights. */
  readonly weights: readonly number[] | undefined
  /** How high they rank, by turns. */
  readonly priorities: readonly number[] | undefined
  /** Which are held until they are let go, by turns. */
  readonly held: readonly boolean[] | undefined
}

/** An item that waits. What was put back is older than all others, and does not expire. */
interface Place {
  readonly id: number
  readonly order: number
  readonly expiresAt: number
}

/** What waits in a channel, on a plain array: what leaves it first, and what gives way. */
export class PlainLine<Options extends PlainLineOptions> {
  protected readonly options: Options
  protected capacity: number
  protected waiting: Place[] = []
  private readonly freed = new Set<number>()
  private arrivals = 0
  private returns = 0

  constructor(options: Options) {
    this.options = options
    this.capacity = options.capacity
  }

  protected letGo(id: number): void {
    this.freed.add(id)
  }

  protected join(id: number, expiresAt: number): void {
    this.waiting.push({ id, order: ++this.arrivals, expiresAt })
  }

  protected comeBack(id: number): void {
    this.freed.add(id)
    this.waiting.push({ id, order: --this.returns, expiresAt: Infinity })
  }

  protected weightOf(id: number): number {
    const { weights } = this.options
    return weights?.[id % weights.length] ?? 1
  }

  protected get load(): number {
    return this.weigh(this.waiting)
  }

  protected neverFits(id: number): boolean {
    return this.capacity > 0 && this.weightOf(id) > this.capacity
  }

  protected fits(id: number): boolean {
    return this.capacity > 0 && this.load + this.weightOf(id) <= this.capacity
  }

  protected mayStart(id: number): boolean {
    const { held } = this.options
    return this.freed.has(id) || held?.[id % held.length] !== true
  }

  /** What may start, first to start first. */
  protected startable(): Place[] {
    return this.waiting
      .filter(({ id }) => this.mayStart(id))
      .toSorted((a, b) => this.priorityOf(b.id) - this.priorityOf(a.id) || a.order - b.order)
  }

  protected inOrderOfLeaving(): Place[] {
    const held = this.waiting.filter(({ id }) => !this.mayStart(id))
    return [...this.startable(), ...held.toSorted((a, b) => a.order - b.order)]
  }

  /** Takes out what gives way to a newcomer for which there is no room; nothing when that has to itself. */
  protected giveWay(id: number): readonly Place[] {
    const { overflow } = this.options
    if (this.capacity === 0 || this.neverFits(id) || overflow === 'drop-newest' || overflow === 'fail') return []
    const [before, needed] = [this.load, this.load + this.weightOf(id)]
    const oldestFirst = this.waiting.toSorted((a, b) => a.order - b.order)
    const lowestFirst = oldestFirst
      .toReversed()
      .filter((place) => this.priorityOf(place.id) < this.priorityOf(id))
      .toSorted((a, b) => this.priorityOf(a.id) - this.priorityOf(b.id))
    const line = overflow === 'drop-oldest' ? oldestFirst : lowestFirst
    const enough = line.findIndex((_, index) => needed - this.weigh(line.slice(0, index + 1)) <= this.capacity)
    const evicted = enough === -1 ? line : line.slice(0, enough + 1)
    // Above a capacity that was lowered the line may stay as long as it is, but not grow.
    if (needed - this.weigh(evicted) > Math.max(this.capacity, before)) return []
    this.waiting = this.waiting.filter((place) => !evicted.includes(place))
    return evicted
  }

  private priorityOf(id: number): number {
    const { priorities } = this.options
    return priorities?.[id % priorities.length] ?? 0
  }

  private weigh(places: readonly Place[]): number {
    return places.reduce((sum, { id }) => sum + this.weightOf(id), 0)
  }
}
