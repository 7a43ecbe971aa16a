import { type TimerWheel, WheelTimer } from '../../operators/index.ts'
import type { StageContext } from './stage-context.ts'

/** The time that a handler has to return after it was called off; then its slot is taken back. */
class Grace extends WheelTimer {
  override readonly onDue: () => void

  constructor(onDue: () => void) {
    super()
    this.onDue = onDue
  }
}

/** Calls handlers off whose result nobody wants any more, and takes the slot back from one that does not return. */
export class Graces {
  private readonly wheel: TimerWheel
  private readonly now: () => number
  private readonly graceMs: number

  constructor(wheel: TimerWheel, now: () => number, graceMs: number) {
    this.wheel = wheel
    this.now = now
    this.graceMs = graceMs
  }

  /** Aborts a handler; if it does not return in time, its slot is taken back. */
  callOff(run: StageContext, reason: unknown): void {
    run.node.runner.callOff(run, reason)
    if (run.phase !== 'called-off') return
    run.grace = new Grace(() => {
      this.abandon(run)
    })
    this.wheel.set(run.grace, this.now() + this.graceMs)
  }

  /** Takes a slot back from a handler that does not return. */
  abandon(run: StageContext): void {
    // A crash of the stage may have ended it first.
    if (run.phase === 'ended') return
    this.forget(run)
    run.node.abandoned += 1
    run.node.slotFreed(this.now() - run.startedAt)
    run.node.runner.end(run, 'cancelled')
  }

  /** The handler has returned, or its slot was taken back. */
  forget(run: StageContext): void {
    if (run.grace !== undefined) this.wheel.delete(run.grace)
  }
}
