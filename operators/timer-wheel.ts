import type { Clock, TimerHandle } from './clock.ts'

/** Something that wants to be called at a time: a node of the wheel's lists, so that a timer is no object of its own. */
export abstract class WheelTimer {
  /** When it is due, by the clock's `now`; `Infinity` when it is in no wheel. */
  dueAt: number = Infinity
  /** @internal the wheel's own */
  wheelSlot: number = -1
  /** @internal the wheel's own */
  wheelNext: WheelTimer | undefined
  /** @internal the wheel's own */
  wheelPrevious: WheelTimer | undefined

  /** Called by the wheel when it is due; it is in no wheel then, and must not throw. */
  abstract onDue(): void
}

const bits = 5
const slotsPerLevel = 2 ** bits
const levels = 6
/** The furthest tick; a timer beyond it is placed there and, when that is reached, again. */
const lastTick = 2 ** (bits * levels) - 1

/**
 * A hierarchical timing wheel: any number of timers, set and taken back in constant time, on one timer of
 * the clock. Each level has 32 slots, of 1 ms, 32 ms, 1,024 ms … each; a timer lies in the level of its
 * distance and moves to a finer one as its time comes. A timer is never early, and late by less than 1 ms
 * beyond the clock's own lateness.
 *
 * @see G. Varghese, T. Lauck: Hashed and Hierarchical Timing Wheels, SOSP 1987 (scheme 7)
 */
export class TimerWheel {
  private readonly clock: Clock
  /** The first timer of each slot, level after level; its `wheelPrevious` is the slot's last. */
  private readonly heads: (WheelTimer | undefined)[] = new Array<undefined>(slotsPerLevel * levels).fill(undefined)
  /** For each level a bit for each slot that holds timers. */
  private readonly occupied: Int32Array = new Int32Array(levels)
  /** The time of tick 0: a whole number, so that ticks and times convert without rounding. */
  private origin: number
  /** Everything due before this tick has been called. */
  private tick = 0
  private count = 0
  private turning = false
  private handle: TimerHandle
  private armedFor = Infinity

  constructor(clock: Clock) {
    this.clock = clock
    this.origin = Math.floor(clock.now())
  }

  /** Timers that are set. */
  get size(): number {
    return this.count
  }

  /** Sets a timer to a time, or moves it there. */
  set(timer: WheelTimer, dueAt: number): void {
    if (timer.wheelSlot !== -1) this.unlink(timer)
    timer.dueAt = dueAt
    if (this.count === 0 && !this.turning) {
      // With nothing set, the wheel can be turned to the present for free.
      this.origin = Math.floor(this.clock.now())
      this.tick = 0
      setKeepsAlive(this.handle, true)
    }
    const level = this.link(timer)
    const wakeAt = this.origin + this.startOf(level, timer.wheelSlot & (slotsPerLevel - 1))
    if (wakeAt < this.armedFor) this.arm(wakeAt)
  }

  /** Takes a timer back; no effect on one that is not set. */
  delete(timer: WheelTimer): void {
    if (timer.wheelSlot === -1) return
    this.unlink(timer)
    timer.dueAt = Infinity
    // The clock's timer stays: to take it back and set it again for each request would cost more than
    // a wake-up for nothing. But it must not keep the process alive.
    if (this.count === 0) setKeepsAlive(this.handle, false)
  }

  /** Lets go of the clock: what is set is not called any more. */
  stop(): void {
    if (this.armedFor !== Infinity) this.clock.clearTimeout(this.handle)
    this.armedFor = Infinity
  }

  /** Puts a timer into the slot of its time and returns the slot's level. */
  private link(timer: WheelTimer): number {
    const tick = Math.max(this.tick, Math.min(Math.ceil(timer.dueAt - this.origin), lastTick))
    // The level is that of the highest group of bits in which the tick differs from the present one.
    const level = tick === this.tick ? 0 : Math.floor((31 - Math.clz32(tick ^ this.tick)) / bits)
    const slot = (tick >>> (level * bits)) & (slotsPerLevel - 1)
    const index = level * slotsPerLevel + slot
    const head = this.heads[index]
    timer.wheelSlot = index
    // Behind the last, so that timers of one time are called in the order in which they were set.
    if (head === undefined) {
      this.heads[index] = timer
      timer.wheelPrevious = timer
    } else {
      const last = head.wheelPrevious as WheelTimer
      last.wheelNext = timer
      timer.wheelPrevious = last
      head.wheelPrevious = timer
    }
    this.occupied[level] = (this.occupied[level] as number) | (1 << slot)
    this.count += 1
    return level
  }

  private unlink(timer: WheelTimer): void {
    const index = timer.wheelSlot
    const head = this.heads[index] as WheelTimer
    const next = timer.wheelNext
    const previous = timer.wheelPrevious as WheelTimer
    if (head === timer) {
      this.heads[index] = next
      if (next === undefined) {
        const level = index >>> bits
        this.occupied[level] = (this.occupied[level] as number) & ~(1 << (index & (slotsPerLevel - 1)))
      } else {
        next.wheelPrevious = previous
      }
    } else {
      previous.wheelNext = next
      if (next === undefined) head.wheelPrevious = previous
      else next.wheelPrevious = previous
    }
    timer.wheelSlot = -1
    timer.wheelNext = undefined
    timer.wheelPrevious = undefined
    this.count -= 1
  }

  /** The first tick of a slot that lies ahead in its level. */
  private startOf(level: number, slot: number): number {
    const shift = level * bits
    return (this.tick & ~((slotsPerLevel << shift) - 1)) | (slot << shift)
  }

  /** The heads' index of the first slot with timers; -1 when there is none. */
  private firstOccupied(): number {
    for (let level = 0; level < levels; level++) {
      // All of them lie ahead: the tick passes none that holds timers.
      const slots = this.occupied[level] as number
      if (slots !== 0) return level * slotsPerLevel + (31 - Math.clz32(slots & -slots))
    }
    return -1
  }

  /** Calls what is due and moves to finer levels what comes closer. */
  private readonly turn = (): void => {
    this.handle = undefined
    this.armedFor = Infinity
    this.turning = true
    const now = this.clock.now()
    let present = Math.floor(now - this.origin)
    let index = this.firstOccupied()
    while (index !== -1) {
      const level = index >>> bits
      const start = this.startOf(level, index & (slotsPerLevel - 1))
      if (start > present) break
      this.tick = Math.max(this.tick, start)
      this.empty(index, level)
      // At once: a clock that is days late would turn the wheel beyond its last tick in this very loop.
      if (this.tick > lastTick / 2) {
        this.startOver()
        present = Math.floor(now - this.origin)
      }
      index = this.firstOccupied()
    }
    this.turning = false
    this.tick = Math.max(this.tick, Math.min(present, lastTick))
    index = this.firstOccupied()
    if (index !== -1) this.arm(this.origin + this.startOf(index >>> bits, index & (slotsPerLevel - 1)))
  }

  private empty(index: number, level: number): void {
    let timer = this.heads[index]
    while (timer !== undefined) {
      this.unlink(timer)
      if (level > 0) {
        this.link(timer)
      } else {
        timer.dueAt = Infinity
        timer.onDue()
      }
      timer = this.heads[index]
    }
  }

  /** Counts from 0 again, long before the ticks no longer fit: once in six days. */
  private startOver(): void {
    const timers: WheelTimer[] = []
    for (const first of this.heads) {
      for (let timer = first; timer !== undefined; timer = timer.wheelNext) timers.push(timer)
    }
    for (const timer of timers) this.unlink(timer)
    this.origin += this.tick
    this.tick = 0
    for (const timer of timers) this.link(timer)
  }

  private arm(wakeAt: number): void {
    if (this.armedFor !== Infinity) this.clock.clearTimeout(this.handle)
    this.armedFor = wakeAt
    this.handle = this.clock.setTimeout(this.turn, Math.max(0, wakeAt - this.clock.now()))
  }
}

/** Node's timers can let the process end; other platforms' handles are numbers. */
function setKeepsAlive(handle: TimerHandle, alive: boolean): void {
  if (typeof handle !== 'object' || handle === null || !('ref' in handle) || !('unref' in handle)) return
  const change = alive ? handle.ref : handle.unref
  if (typeof change === 'function') change.call(handle)
}
