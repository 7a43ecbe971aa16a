import { RingBuffer } from './ring-buffer.ts'

/** What items of a channel are told apart by: a priority, or whose they are. */
export type Rank = number | Claim

/** Whose an item is, and what part of the line belongs to that tenant. */
export interface Claim {
  readonly tenant: string
  readonly share: number
}

/** What waits in a channel, in the order in which it starts. */
export interface Line<T> {
  /** How many items wait. */
  readonly length: number
  /** How many of them may start. */
  readonly startable: number
  /** How much of the capacity they take up. */
  readonly load: number
  /** When the first of them expires; `Infinity` when none does. */
  readonly nextExpiry: number
  /** Adds an item that has arrived, and may start or is held. */
  push(value: T, weight: number, rank: Rank, expiresAt: number, mayStart: boolean): void
  /** Puts back an item that had left: before those of its priority, never to expire, and it may start. */
  unshift(value: T, weight: number, rank: Rank): void
  /** Takes the item that starts next, or, where none may, the oldest. */
  shift(): T | undefined
  /** Lets an item start that was held, in its place. */
  free(value: T): void
  /** Takes out an item that has expired by then. */
  takeExpired(now: number): T | undefined
  /** Takes out an item wherever it is; `false` when it does not wait. */
  remove(value: T): boolean
  /** Whether anything would give way to a newcomer for which there is no room, but would be in an empty line. */
  canGiveWay(weight: number, rank: Rank, capacity: number): boolean
  /** Takes out what has to give way to such a newcomer, first to last; nothing when it is the newcomer that has to. */
  giveWay(weight: number, rank: Rank, capacity: number): readonly T[]
}

/** The line of a channel in which all items are equal: first come, first served, and the oldest gives way. */
export class PlainLine<T> extends RingBuffer<T> implements Line<T> {
  readonly nextExpiry: number = Infinity

  get startable(): number {
    return this.length
  }

  get load(): number {
    return this.length
  }

  free(): void {
    // None is held.
  }

  takeExpired(): undefined {
    return undefined
  }

  remove(value: T): boolean {
    const index = this.indexOf(value)
    if (index === -1) return false
    this.removeAt(index)
    return true
  }

  canGiveWay(): boolean {
    return true
  }

  giveWay(weight: number, rank: Rank, capacity: number): readonly T[] {
    const evicted: T[] = []
    // More than one when the capacity was lowered, or exceeded by what was put back.
    while (this.length >= capacity) evicted.push(this.shift() as T)
    return evicted
  }
}
