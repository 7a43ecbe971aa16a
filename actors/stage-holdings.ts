import type { Clock } from '../operators/index.ts'
import { StageSetupError, type StageUnhealthyError } from './errors.ts'
import { HealthWatch } from './health-watch.ts'
import type { LifeSettings, TeardownReason } from './life-options.ts'
import type { Holding, SetupHooks, StageLife } from './stage-life.ts'

/** A setup under way. */
interface Attempt {
  calledOff: TeardownReason | undefined
  callOff: ((reason: TeardownReason) => void) | undefined
}

/** What a stage has acquired: for the handler that it has, and for earlier ones that have not returned. */
export class StageHoldings {
  /** What the handler works with; `undefined` while the stage is down. */
  current: Holding | undefined
  /** Calls off a swap that has not come about. */
  callOffSwap: ((reason: TeardownReason) => void) | undefined
  /** A swap that comes about with the next setup of the stage. */
  private swapAtStart: { done(): void; failed(error: StageSetupError): void } | undefined
  private readonly life: StageLife
  private readonly clock: Clock
  private readonly onUnhealthy: (error: StageUnhealthyError) => void
  private readonly earlier = new Set<Holding>()
  private health: HealthWatch | undefined
  private settingUp: Attempt | undefined

  /** @param onUnhealthy Told that what is held fails its checks for good. */
  constructor(life: StageLife, clock: Clock, onUnhealthy: (error: StageUnhealthyError) => void) {
    this.life = life
    this.clock = clock
    this.onUnhealthy = onUnhealthy
  }

  /** Whether there is something to tear down at the end. */
  get tearDown(): boolean {
    return this.retired || this.current?.settings.teardown !== undefined
  }

  /** Whether earlier handlers still work with something. */
  get retired(): boolean {
    return this.earlier.size > 0
  }

  /**
   * Acquires what a start of the stage needs.
   *
   * @param hooks `again`: a swap has failed with it, and is undone.
   */
  setUp(
    settings: LifeSettings,
    epoch: number,
    hooks: { done(): void; failed(error: StageSetupError): void; again(): void },
  ): void {
    const attempt: Attempt = { calledOff: undefined, callOff: undefined }
    this.settingUp = attempt
    this.acquire(attempt, settings, epoch, this.swapAtStart === undefined ? 'crash' : 'swap', {
      done: (holding) => {
        this.settingUp = undefined
        this.hold(holding)
        this.swapAtStart?.done()
        hooks.done()
      },
      failed: (error) => {
        const { swapAtStart } = this
        this.settingUp = undefined
        swapAtStart?.failed(error)
        if (swapAtStart === undefined) hooks.failed(error)
        else hooks.again()
      },
    })
  }

  /** `false` when none is under way. */
  callOffSetup(reason: TeardownReason): boolean {
    const { settingUp } = this
    this.settingUp = undefined
    callOff(settingUp, reason)
    return settingUp !== undefined
  }

  /** Acquires what another handler needs, then puts it in the place of what is held. */
  swap(settings: LifeSettings, epoch: number, done: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const attempt: Attempt = { calledOff: undefined, callOff: undefined }
      this.callOffSwap = (reason) => {
        this.callOffSwap = undefined
        callOff(attempt, reason)
        reject(calledOffBy(reason))
      }
      this.acquire(attempt, settings, epoch, 'swap', {
        done: (holding) => {
          this.callOffSwap = undefined
          this.health?.stop()
          if (this.current !== undefined) this.earlier.add(this.current)
          this.hold(holding)
          done()
          resolve()
        },
        failed: (error) => {
          this.callOffSwap = undefined
          reject(error)
        },
      })
    })
  }

  /** Waits for the next setup of the stage, which is the new handler's. `undo`: it will not come about. */
  swapWithSetup(undo: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        this.swapAtStart = undefined
        this.callOffSwap = undefined
      }
      const failed = (error: StageSetupError): void => {
        end()
        undo()
        reject(error)
      }
      this.swapAtStart = {
        done: () => {
          end()
          resolve()
        },
        failed,
      }
      this.callOffSwap = (reason) => {
        failed(calledOffBy(reason))
      }
    })
  }

  private acquire(
    attempt: Attempt,
    settings: LifeSettings,
    epoch: number,
    late: TeardownReason,
    hooks: SetupHooks,
  ): void {
    attempt.callOff = this.life.acquire(settings, epoch, late, {
      done: (holding) => {
        // The setup itself may have had the stage stopped, before it returned.
        if (attempt.calledOff === undefined) hooks.done(holding)
        else this.life.release(holding, attempt.calledOff)
      },
      failed: (error) => {
        if (attempt.calledOff === undefined) hooks.failed(error)
      },
    })
  }

  /** Tears down what none of these runs works with any more. */
  releaseRetired(runs: Iterable<{ readonly holding: Holding | undefined }>): void {
    const used = new Set<Holding | undefined>()
    for (const { holding } of runs) used.add(holding)
    for (const holding of [...this.earlier]) {
      if (!used.has(holding) && this.earlier.delete(holding)) this.life.release(holding, 'swap')
    }
  }

  /** Gives all back, and calls off what has not come. */
  letGo(reason: TeardownReason): void {
    const { current, health } = this
    const earlier = [...this.earlier]
    this.current = undefined
    this.health = undefined
    this.earlier.clear()
    health?.stop()
    this.callOffSetup(reason)
    this.callOffSwap?.(reason)
    for (const holding of earlier) this.life.release(holding, reason)
    if (current !== undefined) this.life.release(current, reason)
  }

  private hold(holding: Holding): void {
    const { health } = holding.settings
    this.current = holding
    this.health =
      health &&
      new HealthWatch(health, holding.state, this.clock, {
        unhealthy: (error, failures) => {
          this.life.tell({ type: 'unhealthy', error, failures })
        },
        failed: this.onUnhealthy,
      })
  }
}

function calledOffBy(reason: TeardownReason): StageSetupError {
  return new StageSetupError(`the swap was called off: ${reason}`)
}

function callOff(attempt: Attempt | undefined, reason: TeardownReason): void {
  if (attempt === undefined) return
  attempt.calledOff = reason
  attempt.callOff?.(reason)
}
