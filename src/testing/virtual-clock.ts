import { setImmediate } from 'node:timers'
import { type SchedulerAction, type SchedulerLike, Subscription } from 'rxjs'
import { checkInteger, checkKeys, checkNumber, type Clock } from '../../operators/index.ts'

interface Timer {
  readonly dueAt: number
  readonly order: number
  /** `undefined` once it has fired or was taken back. */
  fn: (() => void) | undefined
}

/** How a virtual clock starts, and when it gives up. */
export interface VirtualClockOptions {
  /** What `wallTime` says at the start, in milliseconds since 1970-01-01 UTC; default 0. */
  readonly startAt?: number
  /** Timers that one call may fire before it gives up on what looks like an endless loop; default 10,000,000. */
  readonly maxSteps?: number
}

/**
 * A clock that stands still until it is told to go on, and then steps from due time to due time: a
 * `Clock`, XState's `Clock` and RxJS's `SchedulerLike` in one. Timers of one time fire in the order in which
 * they were set, and promises settle between one timer and the next, so the same program gives the same trace.
 *
 * `now()` starts at 0 and counts milliseconds.
 *
 * @example
 * ```ts
 * const clock = new VirtualClock()
 * const running = chat.start({ clock })
 * const reply = running.submit(request)
 * await clock.advance(60_000)
 * ```
 */
export class VirtualClock implements Clock, SchedulerLike {
  private readonly startAt: number
  private readonly maxSteps: number
  /** A binary heap by time, then by order. */
  private readonly heap: Timer[] = []
  private time = 0
  private order = 0
  private live = 0

  constructor(options: VirtualClockOptions = {}) {
    checkKeys('VirtualClock', options, ['startAt', 'maxSteps'])
    this.startAt = checkNumber('startAt', options.startAt ?? 0)
    this.maxSteps = checkInteger('maxSteps', options.maxSteps ?? 10_000_000, { min: 1 })
  }

  /** Timers that are set. */
  get pending(): number {
    return this.live
  }

  now(): number {
    return this.time
  }

  wallTime(): number {
    return this.startAt + this.time
  }

  setTimeout(fn: () => void, ms: number): unknown {
    // As on every platform: what is not a positive number means as soon as possible.
    const timer: Timer = { dueAt: this.time + (ms > 0 ? ms : 0), order: this.order++, fn }
    this.live += 1
    this.heap.push(timer)
    this.siftUp(this.heap.length - 1)
    return timer
  }

  clearTimeout(handle: unknown): void {
    const timer = handle as Timer | undefined
    if (timer?.fn === undefined) return
    // It stays in the heap, which gives up only its first, and is passed over when its time comes.
    timer.fn = undefined
    this.live -= 1
  }

  /** Runs `work` after `delay` milliseconds, for RxJS. */
  schedule<T>(work: (this: SchedulerAction<T>, state?: T) => void, delay = 0, state?: T): Subscription {
    return new VirtualAction(this, work).schedule(state, delay)
  }

  /** Lets `ms` milliseconds pass: fires what becomes due, in order, and lets promises settle in between. */
  async advance(ms: number): Promise<void> {
    const until = this.time + checkNumber('ms', ms)
    await this.run(until)
    this.time = Math.max(this.time, until)
  }

  /** The machine sleeps: `ms` milliseconds pass at once, and what was due meanwhile fires late, at the next `advance`. */
  sleep(ms: number): void {
    this.time += checkNumber('ms', ms)
  }

  /** Fires all timers, also those that are set meanwhile, until none is left but such as are infinitely far. */
  async runAll(): Promise<void> {
    await this.run(Infinity)
  }

  /** Lets promises settle without letting time pass. */
  async settle(): Promise<void> {
    await new Promise<void>((resolve) => {
      setImmediate(resolve)
    })
  }

  /** Called in `advance` and `runAll` when promises have settled, before time goes on. */
  protected onSettled(): void {
    // Nobody is told.
  }

  /**
   * Lets `ms` milliseconds pass at once: for programs that make no promises, which would not settle in between. It is
   * several times as fast as `advance`.
   */
  advanceSync(ms: number): void {
    const until = this.time + checkNumber('ms', ms)
    for (let steps = 0; this.fireFirst(until);) this.checkSteps(++steps)
    this.time = Math.max(this.time, until)
  }

  private async run(until: number): Promise<void> {
    await this.settle()
    this.onSettled()
    for (let steps = 0; this.fireFirst(until);) {
      this.checkSteps(++steps)
      await this.settle()
      this.onSettled()
    }
  }

  /** Fires the first timer that is due until then; `false` when there is none. */
  private fireFirst(until: number): boolean {
    for (;;) {
      const timer = this.heap[0]
      if (timer === undefined || timer.dueAt > until || timer.dueAt === Infinity) return false
      this.removeFirst()
      const { fn } = timer
      if (fn === undefined) continue
      timer.fn = undefined
      this.live -= 1
      // Later than due after a sleep.
      this.time = Math.max(this.time, timer.dueAt)
      fn()
      return true
    }
  }

  private checkSteps(steps: number): void {
    if (steps <= this.maxSteps) return
    throw new Error(
      `${steps} timers fired in one call without an end in sight, at ${this.time} ms: maxSteps is ${this.maxSteps}`,
    )
  }

  private before(a: number, b: number): boolean {
    const first = this.heap[a] as Timer
    const second = this.heap[b] as Timer
    return first.dueAt < second.dueAt || (first.dueAt === second.dueAt && first.order < second.order)
  }

  private swap(a: number, b: number): void {
    const timer = this.heap[a] as Timer
    this.heap[a] = this.heap[b] as Timer
    this.heap[b] = timer
  }

  private siftUp(start: number): void {
    let child = start
    while (child > 0) {
      const parent = (child - 1) >> 1
      if (!this.before(child, parent)) return
      this.swap(child, parent)
      child = parent
    }
  }

  private removeFirst(): void {
    this.swap(0, this.heap.length - 1)
    this.heap.pop()
    let parent = 0
    for (;;) {
      const left = 2 * parent + 1
      if (left >= this.heap.length) return
      const child = left + 1 < this.heap.length && this.before(left + 1, left) ? left + 1 : left
      if (!this.before(child, parent)) return
      this.swap(child, parent)
      parent = child
    }
  }
}

/** One piece of work of an RxJS scheduler; rescheduling it replaces the pending run. */
class VirtualAction<T> extends Subscription implements SchedulerAction<T> {
  private readonly clock: VirtualClock
  private readonly work: (this: SchedulerAction<T>, state?: T) => void
  private handle: unknown

  constructor(clock: VirtualClock, work: (this: SchedulerAction<T>, state?: T) => void) {
    super(() => {
      clock.clearTimeout(this.handle)
    })
    this.clock = clock
    this.work = work
  }

  schedule(state?: T, delay = 0): Subscription {
    if (this.closed) return this
    this.clock.clearTimeout(this.handle)
    const handle = this.clock.setTimeout(() => {
      this.work.call(this, state)
      if (this.handle === handle) this.unsubscribe()
    }, delay)
    this.handle = handle
    return this
  }
}
