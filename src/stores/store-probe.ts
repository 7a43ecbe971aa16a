import type { Clock } from '../../operators/index.ts'

/**
 * Asks a store for those who only want to show what it says: one call at a time, whoever asks meanwhile, and none of
 * them waits longer than a while. A store that does not answer is not asked again before it has.
 */
export class StoreProbe<Answer> {
  private readonly ask: (signal: AbortSignal) => Promise<Answer>
  private readonly clock: Clock
  private readonly timeoutMs: number
  private asked: Promise<Answer | undefined> | undefined

  /** @param timeoutMs How long an answer may take. */
  constructor(ask: (signal: AbortSignal) => Promise<Answer>, clock: Clock, timeoutMs: number = 1_000) {
    this.ask = ask
    this.clock = clock
    this.timeoutMs = timeoutMs
  }

  /** What the store says now; `undefined` when it is away. Never rejects. */
  async read(): Promise<Answer | undefined> {
    this.asked ??= this.answer()
    const { clock, timeoutMs } = this
    let timer: unknown
    const late = new Promise<undefined>((resolve) => {
      timer = clock.setTimeout(() => {
        resolve(undefined)
      }, timeoutMs)
    })
    const answer = await Promise.race([this.asked, late])
    clock.clearTimeout(timer)
    return answer
  }

  private async answer(): Promise<Answer | undefined> {
    const controller = new AbortController()
    const { clock, timeoutMs } = this
    const timer = clock.setTimeout(() => {
      controller.abort()
    }, timeoutMs)
    try {
      return await this.ask(controller.signal)
    } catch {
      return undefined
    } finally {
      clock.clearTimeout(timer)
      this.asked = undefined
    }
  }
}
