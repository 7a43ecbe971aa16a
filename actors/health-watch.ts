import type { Clock, TimerHandle } from '../operators/index.ts'
import { StageUnhealthyError } from './errors.ts'
import type { HealthSettings } from './life-options.ts'
import { call } from './stage-life.ts'

/** Who hears of a stage's health. */
export interface HealthHooks {
  /** One check has failed, the last of so many in a row. */
  unhealthy(error: unknown, failures: number): void
  /** As many as make a crash. */
  failed(error: StageUnhealthyError): void
}

/**
 * Asks a stage's check from time to time. A check that hangs is not asked a second time: each time that it should be
 * asked again counts as one failure more.
 */
export class HealthWatch {
  private readonly settings: HealthSettings
  private readonly state: unknown
  private readonly clock: Clock
  private readonly hooks: HealthHooks
  private timer: TimerHandle
  private controller: AbortController | undefined
  /** The check has been called and has not answered. */
  private asking = false
  private failures = 0
  private stopped = false

  constructor(settings: HealthSettings, state: unknown, clock: Clock, hooks: HealthHooks) {
    this.settings = settings
    this.state = state
    this.clock = clock
    this.hooks = hooks
    this.wait()
  }

  /** Asks no more, and heeds no answer that still comes. */
  stop(): void {
    this.stopped = true
    this.clock.clearTimeout(this.timer)
    this.controller?.abort(new StageUnhealthyError('the stage has ended'))
  }

  private wait(): void {
    this.timer = this.clock.setTimeout(() => {
      if (this.asking) this.answered(new StageUnhealthyError('the check before has still not answered'))
      else this.ask()
    }, this.settings.everyMs)
  }

  private ask(): void {
    const { check, timeoutMs } = this.settings
    const controller = new AbortController()
    this.controller = controller
    this.asking = true
    // Its answer counts once: it may come after its time.
    let counted = false
    const answer = (failure?: unknown): void => {
      if (counted) return
      counted = true
      this.clock.clearTimeout(this.timer)
      this.answered(failure)
    }
    this.timer = this.clock.setTimeout(() => {
      const error = new StageUnhealthyError(`the check did not answer within its timeoutMs of ${timeoutMs} ms`)
      controller.abort(error)
      answer(error)
    }, timeoutMs)
    call(
      () => check(this.state, { signal: controller.signal }),
      (healthy) => {
        this.asking = false
        answer(healthy === false ? new StageUnhealthyError('the check answered false') : undefined)
      },
      (error) => {
        this.asking = false
        answer(error ?? new StageUnhealthyError('the check failed'))
      },
    )
  }

  private answered(failure: unknown): void {
    if (this.stopped) return
    if (failure === undefined) {
      this.failures = 0
      this.wait()
      return
    }
    this.failures += 1
    // Before anybody hears of it, who may stop the stage.
    if (this.failures < this.settings.failures) this.wait()
    this.hooks.unhealthy(failure, this.failures)
    if (this.failures < this.settings.failures) return
    const message = `the health check failed ${this.failures} times in a row`
    this.hooks.failed(new StageUnhealthyError(message, { cause: failure }))
  }
}
