import type { Clock } from '../../../operators/index.ts'
import { StoreError } from '../../stores/store-error.ts'
import { timeOver, Waits } from '../waits.ts'

/** Calls of a store that may throw, reject, or never answer. */
export class StoreCalls {
  private readonly timeoutMs: number
  private readonly waits: Waits
  private over = false

  /** @param timeoutMs How long an answer may take. */
  constructor(clock: Clock, timeoutMs: number) {
    this.timeoutMs = timeoutMs
    this.waits = new Waits(clock)
  }

  /** Nobody waits for an answer any more. */
  get closed(): boolean {
    return this.over
  }

  /**
   * What the store says.
   *
   * @param onLate Told what it says after its time, if it does.
   * @throws What the store throws, or StoreError when it gave no answer: then nobody knows what it has done.
   */
  async ask<T>(
    call: (signal: AbortSignal) => T | PromiseLike<T>,
    { timeoutMs = this.timeoutMs, onLate }: { readonly timeoutMs?: number; readonly onLate?: (answer: T) => void } = {},
  ): Promise<T> {
    if (this.over) throw new StoreError('it is not asked any more')
    const controller = new AbortController()
    const timeout = this.waits.start(timeoutMs)
    try {
      const answer = new Promise<T>((resolve) => {
        resolve(call(controller.signal))
      })
      const first = await Promise.race([answer, timeout.over])
      if (first !== timeOver) return first
      if (onLate !== undefined) answer.then(onLate, () => undefined)
      throw new StoreError(`it gave no answer within ${timeoutMs} ms`)
    } finally {
      timeout.end()
      controller.abort()
    }
  }

  /** Resolves after a time, or once nobody waits any more. */
  async pause(ms: number): Promise<void> {
    if (!this.over) await this.waits.start(ms).over
  }

  /** Gives up whatever it waits for. */
  close(): void {
    this.over = true
    this.waits.endAll()
  }
}
