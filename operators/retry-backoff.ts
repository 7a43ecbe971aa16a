import { type MonoTypeOperatorFunction, Observable, type Subscriber } from 'rxjs'
import { type Backoff, type BackoffOptions, exponentialBackoff } from './backoff.ts'
import { checkClock, type Clock, systemClock, type TimerHandle } from './clock.ts'
import { createSubscriber } from './create-subscriber.ts'
import { checkFunction, checkInteger, checkKeys, checkMethods, checkNumber, show } from './options.ts'
import type { RetryBudget } from './retry-budget.ts'

/** `true` tries again after the backoff, `{ afterMs }` not before so many milliseconds, `false` not at all. */
export type RetryVerdict = boolean | { readonly afterMs: number | undefined }

/** How often, when and after which errors a source is subscribed again. */
export interface RetryBackoffOptions extends Omit<BackoffOptions, 'jitter'> {
  /** Subscriptions in all, the first included, 1 … or `Infinity`; default 4. */
  readonly attempts?: number
  /**
   * Asked of each error, with the number of the attempt that failed, from 1; default always `true`. To `afterMs`,
   * which is what a server's `Retry-After` says, the backoff is added, so that not all come back in one moment.
   */
  readonly retryIf?: (error: unknown, attempt: number) => RetryVerdict
  /** Shared by many streams: without a retry left in it the error passes through. Default none. */
  readonly budget?: RetryBudget
  /** Whether a value ends the series of failures: attempts count from 1 again; default `false`, as in RxJS's `retry`. */
  readonly resetOnSuccess?: boolean
  /** Default the system's. */
  readonly clock?: Clock
}

const known = [
  'attempts',
  'initialMs',
  'maxMs',
  'factor',
  'random',
  'retryIf',
  'budget',
  'resetOnSuccess',
  'clock',
] as const

/**
 * Subscribes again when the source errors, after an exponential backoff with full jitter: from 0 to
 * `initialMs · factor^(attempt − 1)`, at most `maxMs`. Without an attempt left the last error passes through, as does
 * one that `retryIf` refuses or the budget does not pay for. Values pass as they come, also those of attempts that
 * fail later. Unsubscribing leaves no timer.
 *
 * Defaults: `initialMs` 100, `maxMs` 30,000, `factor` 2.
 *
 * @example
 * ```ts
 * const retryIf = (error: unknown) => error instanceof WorkerError && { afterMs: error.retryAfterMs }
 * const answer$ = defer(() => ask(question)).pipe(retryBackoff({ attempts: 5, retryIf, budget }))
 * ```
 *
 * @throws RangeError or TypeError that names the option, its value and the allowed range.
 * @see M. Brooker: Exponential Backoff and Jitter, AWS Architecture Blog, 2015: "Full Jitter"
 * @see RetryBudget
 */
export function retryBackoff<T>(options: RetryBackoffOptions = {}): MonoTypeOperatorFunction<T> {
  const settings = checkOptions(options)
  return (source) =>
    new Observable<T>((subscriber) => {
      // Nobody could stop what is begun for one who has left already.
      if (subscriber.closed) return
      const retrying = new Retrying(source, settings, subscriber)
      subscriber.add(() => {
        retrying.stop()
      })
      settings.budget?.deposit()
      retrying.attempt()
    })
}

interface Settings {
  readonly attempts: number
  readonly backoff: Backoff
  readonly retryIf: (error: unknown, attempt: number) => RetryVerdict
  readonly budget: RetryBudget | undefined
  readonly resetOnSuccess: boolean
  readonly clock: Clock
}

function checkOptions(options: RetryBackoffOptions): Settings {
  checkKeys('retryBackoff', options, known)
  const { attempts = 4, retryIf = () => true, budget, resetOnSuccess = false, clock = systemClock, ...rest } = options
  if (typeof resetOnSuccess !== 'boolean') {
    throw new TypeError(`resetOnSuccess must be true or false, got ${show(resetOnSuccess)}`)
  }
  return {
    attempts: checkInteger('attempts', attempts, { min: 1, max: Infinity }),
    backoff: exponentialBackoff({ ...rest, jitter: 'full' }),
    retryIf: checkFunction('retryIf', retryIf),
    budget: budget === undefined ? undefined : checkMethods('budget', budget, 'a RetryBudget', ['deposit', 'withdraw']),
    resetOnSuccess,
    clock: checkClock('clock', clock),
  }
}

/** One subscription and the attempts that are made for it. */
class Retrying<T> {
  private readonly source: Observable<T>
  private readonly settings: Settings
  private readonly subscriber: Subscriber<T>
  /** Attempts that have failed in a row. */
  private failures = 0
  private inner: Subscriber<T> | undefined
  private timer: TimerHandle

  constructor(source: Observable<T>, settings: Settings, subscriber: Subscriber<T>) {
    this.source = source
    this.settings = settings
    this.subscriber = subscriber
  }

  attempt(): void {
    this.timer = undefined
    this.inner = createSubscriber<T>({
      next: (value) => {
        this.succeeded()
        this.subscriber.next(value)
      },
      error: (error) => {
        this.failed(error)
      },
      complete: () => {
        this.subscriber.complete()
      },
    })
    this.source.subscribe(this.inner)
  }

  stop(): void {
    this.inner?.unsubscribe()
    if (this.timer !== undefined) this.settings.clock.clearTimeout(this.timer)
  }

  private succeeded(): void {
    const { budget, resetOnSuccess } = this.settings
    if (!resetOnSuccess || this.failures === 0) return
    this.failures = 0
    // What comes after a success is as good as a call of its own.
    budget?.deposit()
  }

  private failed(error: unknown): void {
    this.failures += 1
    let delayMs: number | undefined
    try {
      delayMs = this.delayAfter(error)
    } catch (thrown) {
      this.subscriber.error(thrown)
      return
    }
    if (delayMs === undefined) {
      this.subscriber.error(error)
    } else if (!this.subscriber.closed) {
      // Also without a delay: a source that fails at once must not be subscribed from within its own failure.
      this.timer = this.settings.clock.setTimeout(() => {
        this.attempt()
      }, delayMs)
    }
  }

  /** `undefined` when the error is to pass through. */
  private delayAfter(error: unknown): number | undefined {
    const { attempts, retryIf, backoff, budget } = this.settings
    if (this.failures >= attempts) return undefined
    const verdict: unknown = retryIf(error, this.failures)
    const afterMs = verdict === true ? 0 : afterMsOf(verdict)
    if (afterMs === undefined || budget?.withdraw() === false) return undefined
    return afterMs + backoff(this.failures)
  }
}

/** `undefined` when it says not to try again. */
function afterMsOf(verdict: unknown): number | undefined {
  if (verdict === false) return undefined
  if (typeof verdict !== 'object' || verdict === null) {
    throw new TypeError(`retryIf must give true, false or { afterMs }, gave ${show(verdict)}`)
  }
  const { afterMs = 0 } = verdict as { readonly afterMs?: unknown }
  return checkNumber('afterMs, which retryIf gives,', afterMs)
}
