import { checkInteger, checkKeys, checkNumber } from './options.ts'

/** How many retries a call earns, and how many can be saved up. */
export interface RetryBudgetOptions {
  /** Retries that each call earns, 0 … 1, in thousandths; default 0.2: one for every five calls. */
  readonly ratio?: number
  /** Retries that can be saved up, and are there at the start, 0 …; default 10. */
  readonly reserve?: number
}

/** Thousandths of a retry: whole numbers, which sum up exactly. */
const parts = 1000

/**
 * What keeps retries from making an outage worse: of n calls at most `reserve + ratio · n` are tried again, however
 * many fail. Shared by all that call the same service.
 *
 * @example
 * ```ts
 * const budget = new RetryBudget({ ratio: 0.1 })
 * const answer$ = defer(() => ask(question)).pipe(retryBackoff({ budget }))
 * ```
 *
 * @throws RangeError or TypeError that names the option, its value and the allowed range.
 * @see Finagle, `com.twitter.finagle.service.RetryBudget`; gRPC proposal A6, "Throttling Retry Attempts"
 */
export class RetryBudget {
  private readonly earned: number
  private readonly most: number
  private saved: number

  constructor(options: RetryBudgetOptions = {}) {
    checkKeys('RetryBudget', options, ['ratio', 'reserve'])
    this.earned = Math.round(checkNumber('ratio', options.ratio ?? 0.2, { max: 1 }) * parts)
    this.most = checkInteger('reserve', options.reserve ?? 10, { max: Number.MAX_SAFE_INTEGER / parts }) * parts
    this.saved = this.most
  }

  /** Retries that it would allow now. */
  get available(): number {
    return Math.floor(this.saved / parts)
  }

  /** A call is made, the first time. */
  deposit(): void {
    this.saved = Math.min(this.most, this.saved + this.earned)
  }

  /** Takes a retry; `false`, and nothing is taken, when there is none. */
  withdraw(): boolean {
    if (this.saved < parts) return false
    this.saved -= parts
    return true
  }
}
