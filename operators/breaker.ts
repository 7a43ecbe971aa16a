import type { Backoff } from './backoff.ts'
import { CallWindow } from './call-window.ts'
import { checkClock, type Clock, systemClock } from './clock.ts'
import { CircuitOpenError } from './errors.ts'
import { checkFunction, checkInteger, checkKeys, checkNumber } from './options.ts'
import { reportUnhandled } from './report-unhandled.ts'

/** `'closed'` lets calls pass, `'open'` refuses them, `'half-open'` has let one pass and waits for its end. */
export type BreakerState = 'closed' | 'open' | 'half-open'

/** When a breaker opens, for how long, and who is told. */
export interface BreakerOptions {
  /** The share of failures among the last calls at which it opens, 0.001 … 1; default 0.5. */
  readonly failureRate?: number
  /** How many of the last calls that have ended count, 1 … 1,000,000; default 20. With n and a `failureRate` of 1, n failures in a row open it. */
  readonly windowCalls?: number
  /** Calls that must have ended before the share means anything, 1 … `windowCalls`; default 10, or all of a smaller window. */
  readonly minimumCalls?: number
  /**
   * Milliseconds that it stays open, 1 …; default 30,000. A `Backoff` is asked with how often it has opened without
   * having been closed, from 1: `exponentialBackoff({ initialMs: 1_000, maxMs: 60_000 })` stays open longer each time.
   */
  readonly openMs?: number | Backoff
  /** Whether an error says that what is called is not well; default any does. One that does not counts as a success. */
  readonly isFailure?: (error: unknown) => boolean
  /** Default the system's. */
  readonly clock?: Clock
  /** Told of each change, once it is made; what it throws is reported as unhandled. */
  readonly onStateChange?: (to: BreakerState, from: BreakerState) => void
}

/** One call that a breaker has let pass: the first of these that it is told counts, the others are ignored. */
export interface BreakerCall {
  /** What was called is well. */
  succeed(): void
  /** It ended with an error, which `isFailure` judges. */
  fail(error: unknown): void
  /** Nobody waits for its end any more: it counts as neither, and if it was the probe, the next call is. */
  abandon(): void
}

const known = ['failureRate', 'windowCalls', 'minimumCalls', 'openMs', 'isFailure', 'clock', 'onStateChange'] as const

const defaultOpenMs = 30_000

/**
 * Stops calls to what is not well, and finds out with one call at a time whether it is again. Shared by all that
 * call the same service; `circuitBreaker` lets an Observable's subscriptions pass through it.
 *
 * Closed, it counts how the last calls ended and opens when the share of failures among them is too large. Open, it
 * refuses. The first call after `openMs` is the probe: while it runs all others are refused; its success closes the
 * breaker, with nothing counted yet, and its failure opens it again. What was begun before the last change of state
 * is not counted. It sets no timer: it stays open until it is called.
 *
 * @example
 * ```ts
 * const breaker = new Breaker({ windowCalls: 5, failureRate: 1, openMs: 10_000 })
 * const call = breaker.begin() // throws CircuitOpenError while it is open
 * try {
 *   await save(order)
 *   call.succeed()
 * } catch (error) {
 *   call.fail(error)
 *   throw error
 * }
 * ```
 *
 * @throws RangeError or TypeError that names the option, its value and the allowed range.
 * @see M. Nygard: Release It!, "Circuit Breaker"
 * @see resilience4j, CircuitBreaker: the count-based sliding window; Hystrix: the single probe
 */
export class Breaker {
  private readonly window: CallWindow
  private readonly failureRate: number
  private readonly minimumCalls: number
  private readonly openMs: Backoff
  private readonly isFailure: (error: unknown) => boolean
  private readonly clock: Clock
  private readonly onStateChange: ((to: BreakerState, from: BreakerState) => void) | undefined
  private current: BreakerState = 'closed'
  /** Changes of state so far: a call of an earlier era tells nothing of this one. */
  private era = 0
  /** How often it has opened since it was last closed. */
  private openings = 0
  private openUntil = -Infinity
  /** While it is half-open: whether the probe still runs. */
  private probing = false

  constructor(options: BreakerOptions = {}) {
    checkKeys('Breaker', options, known)
    const { openMs = defaultOpenMs, isFailure = () => true, clock = systemClock, onStateChange } = options
    const windowCalls = checkInteger('windowCalls', options.windowCalls ?? 20, { min: 1, max: 1_000_000 })
    const minimumCalls = options.minimumCalls ?? Math.min(10, windowCalls)
    this.window = new CallWindow(windowCalls)
    this.failureRate = checkNumber('failureRate', options.failureRate ?? 0.5, { min: 0.001, max: 1 })
    this.minimumCalls = checkInteger('minimumCalls', minimumCalls, { min: 1, max: windowCalls })
    this.openMs = typeof openMs === 'function' ? openMs : constant(checkNumber('openMs', openMs, { min: 1 }))
    this.isFailure = checkFunction('isFailure', isFailure)
    this.clock = checkClock('clock', clock)
    this.onStateChange = onStateChange === undefined ? undefined : checkFunction('onStateChange', onStateChange)
  }

  /** As it was left by the last call: `'open'` also when the next one is to be the probe. */
  get state(): BreakerState {
    return this.current
  }

  /** @throws CircuitOpenError when the call is refused. */
  begin(): BreakerCall {
    if (this.current === 'open') this.admitProbe()
    else if (this.current === 'half-open') this.probeAgain()
    return this.callOf(this.era)
  }

  private admitProbe(): void {
    const leftMs = this.openUntil - this.clock.now()
    if (leftMs > 0) throw new CircuitOpenError(Math.ceil(leftMs))
    this.probing = true
    this.become('half-open')
  }

  private probeAgain(): void {
    if (this.probing) throw new CircuitOpenError(undefined)
    this.probing = true
  }

  private callOf(era: number): BreakerCall {
    let ended = false
    const once = (end: () => void): void => {
      if (ended) return
      // Before the end: whoever is asked or told of it may end the call again.
      ended = true
      if (era === this.era) end()
    }
    return {
      succeed: () => {
        once(() => {
          this.record(false)
        })
      },
      fail: (error) => {
        once(() => {
          const failed = this.judge(error)
          // The judge may have called back.
          if (era === this.era) this.record(failed)
        })
      },
      abandon: () => {
        once(() => {
          this.probing = false
        })
      },
    }
  }

  private judge(error: unknown): boolean {
    try {
      return this.isFailure(error)
    } catch (thrown) {
      reportUnhandled(thrown)
      return true
    }
  }

  private record(failed: boolean): void {
    if (this.current === 'half-open') {
      if (failed) this.open()
      else this.close()
      return
    }
    this.window.add(failed)
    const { calls, failures } = this.window
    // Divided, not multiplied: 7 of 100 are exactly the number that 0.07 is.
    if (calls >= this.minimumCalls && failures / calls >= this.failureRate) this.open()
  }

  private open(): void {
    this.openings += 1
    this.openUntil = this.clock.now() + this.openingMs()
    this.become('open')
  }

  private openingMs(): number {
    try {
      return checkNumber('openMs, which the backoff gives,', this.openMs(this.openings))
    } catch (thrown) {
      reportUnhandled(thrown)
      return defaultOpenMs
    }
  }

  private close(): void {
    this.openings = 0
    this.window.clear()
    this.become('closed')
  }

  private become(to: BreakerState): void {
    const from = this.current
    this.current = to
    this.era += 1
    try {
      this.onStateChange?.(to, from)
    } catch (thrown) {
      reportUnhandled(thrown)
    }
  }
}

function constant(ms: number): Backoff {
  return () => ms
}
