import type { Clock } from '../../operators/index.ts'

/** What a wait gives when it is over. */
export const timeOver: unique symbol = Symbol('time over')

/** A wait that can be cut short. */
export interface Wait {
  readonly over: Promise<typeof timeOver>
  readonly end: () => void
}

/** Waits for one's own time, which can be ended all together. */
export class Waits {
  private readonly clock: Clock
  private readonly ends = new Set<() => void>()

  constructor(clock: Clock) {
    this.clock = clock
  }

  start(ms: number): Wait {
    const { clock, ends } = this
    let end = (): void => undefined
    const over = new Promise<typeof timeOver>((resolve) => {
      end = () => {
        clock.clearTimeout(timer)
        ends.delete(end)
        resolve(timeOver)
      }
      const timer = clock.setTimeout(end, ms)
      ends.add(end)
    })
    return { over, end }
  }

  endAll(): void {
    for (const end of [...this.ends]) end()
  }
}
