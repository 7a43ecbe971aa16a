import { type Clock, messageOf, reportUnhandled } from '../operators/index.ts'
import { StageSetupError, StageTeardownError } from './errors.ts'
import type { LifeSettings, StageTrouble, TeardownReason } from './life-options.ts'
import { isPromiseLike } from './is-promise-like.ts'

/** What one `setup` has acquired, and how it is given back. */
export interface Holding {
  readonly state: unknown
  readonly settings: LifeSettings
}

/** Who waits for a setup: told once at most, and of nothing once it was called off. */
export interface SetupHooks {
  done(holding: Holding): void
  failed(error: StageSetupError): void
}

/** Acquires what a stage needs and gives it back: one teardown for each setup that succeeded, however late. */
export class StageLife {
  private readonly clock: Clock
  private readonly onTrouble: ((trouble: StageTrouble) => void) | undefined
  private releasing = 0
  private waiters: (() => void)[] = []

  constructor(clock: Clock, onTrouble?: (trouble: StageTrouble) => void) {
    this.clock = clock
    this.onTrouble = onTrouble
  }

  /**
   * Sets up, in this very call where nothing has to be waited for.
   *
   * @param late Why what comes after `setupTimeoutMs` is torn down.
   * @returns Calls it off: what still comes is torn down for that reason.
   */
  acquire(
    settings: LifeSettings,
    epoch: number,
    late: TeardownReason,
    hooks: SetupHooks,
  ): (reason: TeardownReason) => void {
    const { setup, setupTimeoutMs } = settings
    const controller = new AbortController()
    const { clock } = this
    let calledOff: TeardownReason | undefined
    let over = false
    const end = (): boolean => {
      if (over) return false
      over = true
      clock.clearTimeout(timer)
      return true
    }
    const done = (state: unknown): void => {
      if (end()) hooks.done({ state, settings })
      else this.release({ state, settings }, calledOff ?? late)
    }
    const failed = (error: unknown): void => {
      if (end()) hooks.failed(new StageSetupError(`setup failed: ${messageOf(error)}`, { cause: error }))
    }
    const timeUp = (): void => {
      end()
      const error = new StageSetupError(`setup was not done within its setupTimeoutMs of ${setupTimeoutMs} ms`)
      controller.abort(error)
      hooks.failed(error)
    }
    const timer = setupTimeoutMs === Infinity ? undefined : clock.setTimeout(timeUp, setupTimeoutMs)
    call(() => setup?.({ signal: controller.signal, clock, epoch }), done, failed)
    return (reason) => {
      if (!end()) return
      calledOff = reason
      controller.abort(new StageSetupError(`setup was called off: ${reason}`))
    }
  }

  /** Gives back what was acquired; one that hangs or fails is told as trouble and holds nothing up for longer. */
  release({ state, settings }: Holding, reason: TeardownReason): void {
    const { teardown, teardownTimeoutMs } = settings
    if (teardown === undefined) return
    const controller = new AbortController()
    let over = false
    this.releasing += 1
    const end = (trouble?: StageTeardownError, isLate = false): void => {
      if (over) return
      over = true
      // Before anybody goes on who has waited for it.
      if (isLate) controller.abort(trouble)
      this.clock.clearTimeout(timer)
      this.releasing -= 1
      if (trouble !== undefined) this.tell({ type: 'teardown-failed', error: trouble, reason })
      if (this.releasing > 0) return
      const { waiters } = this
      this.waiters = []
      for (const waiter of waiters) waiter()
    }
    const timer = this.clock.setTimeout(() => {
      const error = new StageTeardownError(
        `teardown was not done within its teardownTimeoutMs of ${teardownTimeoutMs} ms`,
      )
      end(error, true)
    }, teardownTimeoutMs)
    call(
      () => teardown(state, { reason, signal: controller.signal }),
      () => {
        end()
      },
      (error) => {
        end(new StageTeardownError(`teardown failed: ${messageOf(error)}`, { cause: error }))
      },
    )
  }

  /** Whether something is being torn down. */
  get busy(): boolean {
    return this.releasing > 0
  }

  /** Calls back once nothing is being torn down; at once where nothing is. */
  whenReleased(callback: () => void): void {
    if (this.releasing === 0) callback()
    else this.waiters.push(callback)
  }

  /** Tells what went wrong beside the items; what the listener throws is its own. */
  tell(trouble: StageTrouble): void {
    try {
      this.onTrouble?.(trouble)
    } catch (error) {
      reportUnhandled(error)
    }
  }
}

/** Calls a function of a user's, which may throw, return a value or a promise; in the same call where it can. */
export function call<V>(
  fn: () => V | PromiseLike<V>,
  done: (value: V) => void,
  failed: (error: unknown) => void,
): void {
  let result: V | PromiseLike<V>
  try {
    result = fn()
    if (isPromiseLike(result)) {
      result.then(done, failed)
      return
    }
  } catch (error) {
    failed(error)
    return
  }
  done(result)
}
