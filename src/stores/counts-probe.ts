import type { Clock } from '../../operators/index.ts'
import type { DeadLetterCounts, DeadLetterStore } from './dead-letter-store.ts'

/** What is asked for its counts. */
export type Counted = Pick<DeadLetterStore, 'counts'>

/**
 * Asks a store for its counts for those who only want to show them: one call at a time, whoever asks meanwhile, and
 * none of them waits longer than a while. A store that does not answer is not asked again before it has.
 */
export class CountsProbe {
  private readonly store: Counted
  private readonly clock: Clock
  private readonly timeoutMs: number
  private asked: Promise<DeadLetterCounts | undefined> | undefined

  /** @param timeoutMs How long an answer may take. */
  constructor(store: Counted, clock: Clock, timeoutMs: number = 1_000) {
    this.store = store
    this.clock = clock
    this.timeoutMs = timeoutMs
  }

  /** The counts now; `undefined` when the store is away. Never rejects. */
  async read(): Promise<DeadLetterCounts | undefined> {
    this.asked ??= this.ask()
    const { clock, timeoutMs } = this
    let timer: unknown
    const late = new Promise<undefined>((resolve) => {
      timer = clock.setTimeout(() => {
        resolve(undefined)
      }, timeoutMs)
    })
    const counts = await Promise.race([this.asked, late])
    clock.clearTimeout(timer)
    return counts
  }

  private async ask(): Promise<DeadLetterCounts | undefined> {
    const controller = new AbortController()
    const { clock, timeoutMs } = this
    const timer = clock.setTimeout(() => {
      controller.abort()
    }, timeoutMs)
    try {
      return await this.store.counts({ signal: controller.signal })
    } catch {
      return undefined
    } finally {
      clock.clearTimeout(timer)
      this.asked = undefined
    }
  }
}
