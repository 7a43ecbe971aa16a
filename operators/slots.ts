import { PutBack } from './put-back.ts'
import { RingBuffer } from './ring-buffer.ts'

/**
 * How deep starts may nest on one call stack. An item that arrives while a slot is free starts in that
 * very call; when starts cause arrivals without end, the deeper ones wait for the outer call to return.
 */
const deepestNesting = 12

/** The slots of a channel: what runs in them, what owns one and is about to start, and who is called back. */
export class Slots<T> {
  /** As many as there are while a consumer is there. */
  concurrency: number
  /** Items that wait again: of what starts its consumer is told whether it is one of these. */
  readonly putBack: PutBack<T> = new PutBack()
  private owned = 0
  /** They own a slot already and are about to start, first to last. */
  private readonly granted = new RingBuffer<T>()
  private consumer: ((value: T, again: boolean) => void) | undefined
  private nesting = 0

  constructor(concurrency: number) {
    this.concurrency = concurrency
  }

  /** How many are owned. */
  get taken(): number {
    return this.owned
  }

  /** Whether an item can have one. */
  get free(): boolean {
    return this.consumer !== undefined && this.owned < this.concurrency
  }

  /** @throws TypeError when there is a consumer already. */
  attach(consumer: (value: T, again: boolean) => void): void {
    if (this.consumer !== undefined) throw new TypeError('consume: the channel has a consumer already')
    this.consumer = consumer
  }

  /** `false` when it is not the consumer. */
  detach(consumer: (value: T, again: boolean) => void): boolean {
    if (this.consumer !== consumer) return false
    this.consumer = undefined
    return true
  }

  /** Gives a slot to an item, which starts at the next `drain`. */
  grant(value: T): void {
    this.granted.push(value)
    this.owned += 1
  }

  /** Gives back so many slots. */
  release(count: number): void {
    this.owned -= count
  }

  /** Takes the slot from an item that has not started; `false` when it is none. */
  revoke(value: T): boolean {
    const index = this.granted.indexOf(value)
    if (index === -1) return false
    this.granted.removeAt(index)
    this.owned -= 1
    return true
  }

  /** Takes back all that have not started, and their slots. */
  recall(): T[] {
    const values: T[] = []
    while (this.granted.length > 0) values.push(this.granted.shift() as T)
    this.owned -= values.length
    return values
  }

  /** Gives a slot to an item that arrives and starts it, behind those that own one already. */
  startNow(value: T): void {
    this.owned += 1
    if (this.granted.length === 0 && this.nesting < deepestNesting) {
      this.start(value)
      this.drain()
      return
    }
    this.granted.push(value)
    if (this.nesting < deepestNesting) this.startGranted()
  }

  /** Starts what owns a slot; within the start of another item nothing, because the outermost does when it returns. */
  drain(): void {
    if (this.granted.length > 0 && this.nesting === 0) this.startGranted()
  }

  private startGranted(): void {
    while (this.granted.length > 0) this.start(this.granted.shift() as T)
  }

  private start(value: T): void {
    this.nesting += 1
    try {
      this.consumer?.(value, this.putBack.delete(value))
    } finally {
      this.nesting -= 1
    }
  }
}
