import { VirtualClock } from './virtual-clock.ts'

/** A virtual clock that tells of each step, and whose machine can sleep or have its time set. */
export class StepClock extends VirtualClock {
  /** Called after each timer, and once more when all promises have settled. */
  onStep: (settled: boolean) => void = () => undefined
  private shiftedMs = 0

  constructor() {
    // Runs are short: what fires more often does not end.
    super({ maxSteps: 100_000 })
  }

  override wallTime(): number {
    return super.wallTime() + this.shiftedMs
  }

  override setTimeout(fn: () => void, ms: number): unknown {
    return super.setTimeout(() => {
      fn()
      this.onStep(false)
    }, ms)
  }

  protected override onSettled(): void {
    this.onStep(true)
  }

  /** Sets the time on the wall; how long things take does not change. */
  shiftWall(byMs: number): void {
    this.shiftedMs += byMs
  }
}
