import {
  type Clock,
  type Linked,
  LinkedList,
  type RandomSource,
  type TimerWheel,
  WheelTimer,
} from '../../operators/index.ts'
import type { WaitSettings } from './stage-wait.ts'

/** A stage by whose terms requests wait for room. */
interface Awaited {
  readonly settings: { readonly wait?: WaitSettings }
  /** Requests that wait by its terms. */
  pending: number
}

/** One who waits. */
class Waiter<T, S extends Awaited> extends WheelTimer implements Linked {
  readonly item: T
  readonly stage: S
  readonly until: number
  /** The ceiling of the delay before it looks again. */
  ceilingMs: number
  next: this | undefined = undefined
  previous: this | undefined = undefined
  listed = false
  private readonly room: WaitingRoom<T, S>

  constructor(room: WaitingRoom<T, S>, item: T, stage: S, until: number, ceilingMs: number) {
    super()
    this.room = room
    this.item = item
    this.stage = stage
    this.until = until
    this.ceilingMs = ceilingMs
  }

  override onDue(): void {
    this.room.due(this)
  }

  /** Leaves the line, without going in. */
  leave(): void {
    this.room.leave(this)
  }
}

/** What a waiting room needs of the pipeline. */
export interface WaitingRoomHost<T, S> {
  readonly clock: Clock
  readonly random: RandomSource
  readonly wheel: TimerWheel
  /** Whether there is room for the first in line. */
  hasRoom(item: T): boolean
  /** It has left the line, and there is room for it. */
  letIn(item: T): void
  /** It has left the line without hope: it has waited too long, or is larger than all the room there will be. */
  turnAway(item: T, stage: S, reason: 'wait-timeout' | 'too-large'): void
  /** Whether it will never fit. */
  isTooLarge(item: T): boolean
}

/**
 * Where requests wait for room in a channel, or at the door for a place in all: first come, first served, each by the
 * terms of the stage that had no room. Who waits holds neither a slot nor a place.
 *
 * @see M. Brooker: Exponential Backoff and Jitter, AWS Architecture Blog, 2015 (full jitter)
 */
export class WaitingRoom<T, S extends Awaited> {
  private readonly host: WaitingRoomHost<T, S>
  private readonly line = new LinkedList<Waiter<T, S>>()
  private closed = false

  constructor(host: WaitingRoomHost<T, S>) {
    this.host = host
  }

  get size(): number {
    return this.line.size
  }

  /** The first in line. */
  get first(): T | undefined {
    return this.line.first?.item
  }

  /** Adds one to the line; `undefined` when the stage lets nobody wait, or nobody more. */
  join(item: T, stage: S, isHigh: boolean): { leave(): void } | undefined {
    const { wait } = stage.settings
    if (wait === undefined || this.closed || stage.pending >= wait.max || (wait.for === 'high' && !isHigh)) {
      return undefined
    }
    const ceilingMs = wait.backoff?.initialMs ?? Infinity
    const waiter = new Waiter(this, item, stage, this.host.clock.now() + wait.ms, ceilingMs)
    stage.pending += 1
    this.line.add(waiter)
    this.arm(waiter)
    return waiter
  }

  /** Takes one out of the line who no longer wants in. */
  leave(waiter: Waiter<T, S>): void {
    if (!this.line.delete(waiter)) return
    waiter.stage.pending -= 1
    this.host.wheel.delete(waiter)
  }

  /** There may be room: it is taken at once, unless those who wait look for it themselves. */
  roomMade(): void {
    if (this.line.first !== undefined && this.line.first.stage.settings.wait?.backoff === undefined) this.serve()
  }

  /** Lets in as many as there is room for, the first before the second. */
  serve(): void {
    for (let first = this.line.first; first !== undefined; first = this.line.first) {
      const { item, stage } = first
      if (this.host.hasRoom(item)) {
        // Asking can end what has expired, and whoever hears of that may have called this one off.
        if (!first.listed) continue
        this.leave(first)
        this.host.letIn(item)
      } else if (this.host.isTooLarge(item)) {
        this.leave(first)
        this.host.turnAway(item, stage, 'too-large')
      } else if (first === this.line.first) {
        return
      }
    }
  }

  /** Lets nobody wait any more and gives back those who did. */
  close(): readonly T[] {
    this.closed = true
    const waiters = [...this.line]
    for (const waiter of waiters) this.leave(waiter)
    return waiters.map(({ item }) => item)
  }

  /** Its time has come: to look again, or to give up. */
  due(waiter: Waiter<T, S>): void {
    if (waiter.until <= this.host.clock.now()) {
      this.leave(waiter)
      this.host.turnAway(waiter.item, waiter.stage, 'wait-timeout')
      return
    }
    const { backoff } = waiter.stage.settings.wait as WaitSettings
    if (backoff !== undefined) waiter.ceilingMs = Math.min(backoff.maxMs, waiter.ceilingMs * backoff.factor)
    this.serve()
    if (waiter.listed) this.arm(waiter)
  }

  /** Wakes it when it looks again, or when it has waited too long. */
  private arm(waiter: Waiter<T, S>): void {
    const { clock, random, wheel } = this.host
    const lookAt = waiter.ceilingMs === Infinity ? Infinity : clock.now() + Math.max(1, waiter.ceilingMs * random())
    wheel.set(waiter, Math.min(waiter.until, lookAt))
  }
}
