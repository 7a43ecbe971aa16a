import { Item } from './item.ts'
import type { Linked } from './linked-list.ts'

/** An item that has a key. */
export class LaneItem<T> extends Item<T> {
  /** Where it waits or runs; `undefined` until it has been accepted. */
  lane: Lane<T> | undefined
  /** The one that waits behind it in its lane. */
  behind: LaneItem<T> | undefined
  /** `Infinity` when it never expires. */
  expiresAt: number = Infinity
}

/** The items of one key: how many run, and those that wait, linked through themselves, first come, first served. */
export class Lane<T> implements Linked {
  readonly key: unknown
  running = 0
  waiting = 0
  next: this | undefined = undefined
  previous: this | undefined = undefined
  listed = false
  private first: LaneItem<T> | undefined
  private last: LaneItem<T> | undefined

  constructor(key: unknown) {
    this.key = key
  }

  push(item: LaneItem<T>): void {
    if (this.last === undefined) this.first = item
    else this.last.behind = item
    this.last = item
    this.waiting += 1
  }

  /** Takes the first of those that wait; there must be one. */
  shift(): LaneItem<T> {
    const item = this.first as LaneItem<T>
    this.first = item.behind
    if (this.first === undefined) this.last = undefined
    item.behind = undefined
    this.waiting -= 1
    return item
  }
}
