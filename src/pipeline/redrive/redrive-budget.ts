import { checkKeys, checkNumber } from '../../../operators/index.ts'

/** How many redrives there may be, whichever of the two allows more, besides a reserve of one for each of `concurrency`. */
export interface RedriveBudgetOptions {
  /** Each second, 0 …; default 1. */
  readonly perSecond?: number
  /** For each request of a client that is admitted, 0 … 1; default 0.1: one for every ten. */
  readonly ratio?: number
}

/** The options with the defaults filled in. */
export type RedriveBudgetSettings = Required<RedriveBudgetOptions>

/** @throws RangeError or TypeError that names the option, its value and the allowed range. */
export function checkRedriveBudget(options: RedriveBudgetOptions): RedriveBudgetSettings {
  checkKeys('redrive: budget', options, ['perSecond', 'ratio'])
  return {
    perSecond: checkNumber('redrive: budget.perSecond', options.perSecond ?? 1),
    ratio: checkNumber('redrive: budget.ratio', options.ratio ?? 0.1, { max: 1 }),
  }
}

/**
 * What keeps redrives from making an outage worse: in t seconds with n admissions of clients there are at most
 * `reserve + perSecond · t + ratio · n`.
 *
 * @see Finagle, `com.twitter.finagle.service.RetryBudget` (a share of the calls, and a minimum for each second)
 */
export class RedriveBudget {
  private readonly settings: RedriveBudgetSettings
  /** Redrives that can be saved up, and are there at the start. */
  private readonly reserve: number
  private saved: number
  private earnedAt: number
  private admissions = 0

  constructor(settings: RedriveBudgetSettings, reserve: number, now: number) {
    this.settings = settings
    this.reserve = reserve
    this.saved = reserve
    this.earnedAt = now
  }

  /** @param admissions Of clients since the start. */
  earn(now: number, admissions: number): void {
    const { perSecond, ratio } = this.settings
    const byTime = ((now - this.earnedAt) / 1000) * perSecond
    // Fewer than before are those that were shed after they had been let in.
    const byAdmissions = Math.max(0, admissions - this.admissions) * ratio
    this.saved = Math.min(this.reserve, this.saved + Math.max(byTime, byAdmissions))
    this.earnedAt = now
    this.admissions = Math.max(this.admissions, admissions)
  }

  /** Redrives that it would allow now. */
  get available(): number {
    // Parts of a second do not add up to exactly one.
    return Math.floor(this.saved + 1e-6)
  }

  /** When time alone will have earned the next. */
  get nextInMs(): number {
    return ((1 - this.saved) / this.settings.perSecond) * 1000
  }

  withdraw(): void {
    this.saved -= 1
  }
}
