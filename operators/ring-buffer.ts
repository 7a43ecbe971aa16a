/**
 * A first-in, first-out line on an array that grows by doubling and whose ends wrap around: adding and
 * taking at either end costs the same however long the line is, and what leaves is forgotten at once.
 */
export class RingBuffer<T> {
  private slots: (T | undefined)[]
  private mask: number
  private head = 0
  private count = 0

  /** @param expected How many items to make room for at first; rounded up to a power of two. */
  constructor(expected = 8) {
    const size = 2 ** Math.ceil(Math.log2(Math.max(1, expected)))
    this.slots = new Array<T | undefined>(size).fill(undefined)
    this.mask = size - 1
  }

  /** How many items are in the line. */
  get length(): number {
    return this.count
  }

  /** Adds an item behind the last. */
  push(item: T): void {
    if (this.count === this.slots.length) this.grow()
    this.slots[(this.head + this.count) & this.mask] = item
    this.count += 1
  }

  /** Adds an item before the first. */
  unshift(item: T): void {
    if (this.count === this.slots.length) this.grow()
    this.head = (this.head - 1) & this.mask
    this.slots[this.head] = item
    this.count += 1
  }

  /** Takes the first item; `undefined` when the line is empty. */
  shift(): T | undefined {
    if (this.count === 0) return undefined
    const item = this.slots[this.head]
    this.slots[this.head] = undefined
    this.head = (this.head + 1) & this.mask
    this.count -= 1
    return item
  }

  /** The item at a place counted from the first; `undefined` beyond the end. */
  at(index: number): T | undefined {
    return index < this.count ? this.slots[(this.head + index) & this.mask] : undefined
  }

  /** The place of an item, counted from the first; -1 when it is not in the line. Searches from the front. */
  indexOf(item: T): number {
    for (let index = 0; index < this.count; index++) {
      if (this.slots[(this.head + index) & this.mask] === item) return index
    }
    return -1
  }

  /** Takes the item at a place; closes the gap from the nearer end, so the ends stay cheap. */
  removeAt(index: number): T | undefined {
    if (index >= this.count) return undefined
    const item = this.at(index)
    if (index < this.count / 2) {
      for (let i = index; i > 0; i--) this.move(i - 1, i)
      this.shift()
    } else {
      for (let i = index; i < this.count - 1; i++) this.move(i + 1, i)
      this.slots[(this.head + this.count - 1) & this.mask] = undefined
      this.count -= 1
    }
    return item
  }

  private move(from: number, to: number): void {
    this.slots[(this.head + to) & this.mask] = this.slots[(this.head + from) & this.mask]
  }

  private grow(): void {
    const old = this.slots
    const unwrapped = old.slice(this.head).concat(old.slice(0, this.head))
    this.slots = unwrapped.concat(new Array<undefined>(old.length).fill(undefined))
    this.mask = this.slots.length - 1
    this.head = 0
  }
}
