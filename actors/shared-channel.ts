import { Channel, type ChannelOptions, type ItemEnd } from '../operators/index.ts'
import type { StageChannel } from './runner-options.ts'

/**
 * One channel that several stages take from: what waits first goes to the one that runs least, of equal ones to the
 * first. It has as many slots as those that take have together, so items wait only while none has a slot.
 */
export class SharedChannel<T> {
  readonly channel: Channel<T>
  /** What each stage takes: the channel of its runner. */
  readonly shares: readonly Share<T>[]
  private readonly slotsEach: number
  private consumed = false
  /** What stages that have ended ran, until it goes back. */
  private returned: PutBack<T>[] = []

  /**
   * @param options Its `concurrency` is what each stage may run.
   * @param onIdle Told each time that nothing waits and nothing runs any more.
   */
  constructor(stages: number, options: ChannelOptions<T>, onIdle: () => void) {
    this.channel = new Channel(options)
    this.slotsEach = this.channel.concurrency
    const onTaking = (): void => {
      this.arrange()
    }
    const onReturned = (putBack: readonly PutBack<T>[]): void => {
      this.returned.push(...putBack)
      this.requeue()
    }
    this.shares = Array.from({ length: stages }, () => new Share(this.channel, { onTaking, onIdle, onReturned }))
  }

  /** Waits, while all stop, for what the others put back: it goes back in the order in which it had started. */
  private requeue(): void {
    if (this.slots === 0 && this.shares.some(({ load }) => load > 0)) return
    const items = this.returned.toSorted((one, other) => one.order - other.order).map(({ item }) => item)
    this.returned = []
    this.channel.requeue(items)
  }

  private get slots(): number {
    let slots = 0
    for (const { consumer } of this.shares) if (consumer !== undefined) slots += this.slotsEach
    return slots
  }

  /** Adapts to who takes. Whatever the channel tells meanwhile may change that again. */
  private arrange(): void {
    if (this.slots > 0) this.channel.setConcurrency(this.slots)
    if (this.slots > 0 === this.consumed) return
    this.consumed = !this.consumed
    if (this.consumed) this.channel.consume(this.start)
    else this.channel.detach(this.start)
  }

  private readonly start = (item: T, again: boolean): void => {
    const least = this.leastLoaded()
    // It had the slot of a stage that has since left.
    if (least === undefined) this.channel.requeue([item], again)
    else least.start(item, again)
  }

  private leastLoaded(): Share<T> | undefined {
    let least: Share<T> | undefined
    for (const share of this.shares) {
      const free = share.consumer !== undefined && share.load < this.slotsEach
      if (free && (least === undefined || share.load < least.load)) least = share
    }
    return least
  }
}

/** An item that a stage ran as it ended, and the how-manieth to start it was. */
interface PutBack<T> {
  readonly item: T
  readonly order: number
}

/** Who hears of what a stage does with its share. */
interface ShareHooks<T> {
  /** It takes, or takes no more. */
  onTaking(): void
  onIdle(): void
  /** It has ended, and hands these back. */
  onReturned(putBack: readonly PutBack<T>[]): void
}

/** One stage's part of a shared channel. */
export class Share<T> implements StageChannel<T> {
  /** Items that the stage runs, or has put back and not handed back. */
  load = 0
  /** The stage, while it takes. */
  consumer: ((item: T, again: boolean) => void) | undefined
  private readonly channel: Channel<T>
  private readonly hooks: ShareHooks<T>
  private putBack: readonly PutBack<T>[] = []
  private orders: number[] = []

  constructor(channel: Channel<T>, hooks: ShareHooks<T>) {
    this.channel = channel
    this.hooks = hooks
  }

  /** Nothing waits, and no stage runs anything: what one of them puts back is for all. */
  get idle(): boolean {
    return this.channel.idle
  }

  start(item: T, again: boolean): void {
    this.load += 1
    this.consumer?.(item, again)
  }

  consume(run: (item: T, again: boolean) => void): () => void {
    this.consumer = run
    this.hooks.onTaking()
    return () => {
      this.detach(run)
    }
  }

  detach(run: (item: T, again: boolean) => void): void {
    if (this.consumer !== run) return
    this.consumer = undefined
    this.hooks.onTaking()
  }

  release(end: ItemEnd): void {
    this.load -= 1
    this.channel.release(end)
  }

  drain(): void {
    this.channel.drain()
    if (this.idle) this.hooks.onIdle()
  }

  remove(item: T, end: ItemEnd): boolean {
    return this.channel.remove(item, end)
  }

  /** Notes the place in the order of starts of what `requeue` is given next. */
  note(order: number): void {
    this.orders.push(order)
  }

  /** Keeps them until `handBack`: nobody else is to start what this stage has not called off yet. */
  requeue(items: readonly T[]): void {
    this.putBack = items.map((item, index) => ({ item, order: this.orders[index] ?? 0 }))
    this.orders = []
  }

  /** The stage has ended: what it put back goes to the others, and so do the slots of what failed with it. */
  handBack(): void {
    const { putBack } = this
    this.putBack = []
    this.load -= putBack.length
    this.hooks.onReturned(putBack)
    this.drain()
  }
}
