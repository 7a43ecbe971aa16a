import {
  checkClock,
  checkFunction,
  checkKeys,
  checkNumber,
  checkOneOf,
  checkInteger,
  type Clock,
  systemClock,
} from '../operators/index.ts'

/** Why a stage gives back what it has acquired. */
export type TeardownReason = 'drain' | 'stop' | 'crash' | 'swap'

/** What `setup` is told. */
export interface SetupContext {
  /** Aborted when what is being acquired is not wanted any more: the stage was stopped, or `setupTimeoutMs` passed. */
  readonly signal: AbortSignal
  readonly clock: Clock
  /** How often the stage has been started, 1 …; results of an earlier epoch are ignored. */
  readonly epoch: number
}

/** How a stage finds out that it no longer works. */
export interface StageHealth<S> {
  /** `false`, an error or no answer in time is a failure; anything else is health. Never called twice at once. */
  readonly check: (state: S, context: { readonly signal: AbortSignal }) => boolean | void | PromiseLike<boolean | void>
  /** From one answer to the next question, in milliseconds, 1 …; default 10,000. */
  readonly everyMs?: number
  /** How long an answer may take, 1 …; default 5,000. */
  readonly timeoutMs?: number
  /** So many failures in a row are a crash of the stage, 1 …; default 3. */
  readonly failures?: number
}

/** What a stage needs for its work, and what becomes of that work when the stage crashes. */
export interface LifeOptions<S, X extends SetupContext = SetupContext> {
  /**
   * Acquires what the handler needs, at each start of the stage; nothing is taken before it is done. What it returns
   * is the handler's `state`. A failure is a crash of the stage.
   *
   * Where the handler's types are to be inferred, annotate the parameter (`(context: SetupContext) => …`) or have none.
   */
  readonly setup?: (context: X) => S | PromiseLike<S>
  /** How long `setup` may take, 1 …; default no limit. What comes later is torn down. */
  readonly setupTimeoutMs?: number
  /**
   * Gives back what `setup` acquired: once for each success, however the stage ends, before the next `setup`. What a
   * setup still acquires that was given up, because the stage was stopped or `setupTimeoutMs` passed, is given back as
   * it comes, maybe beside the next.
   */
  readonly teardown?: (
    state: S,
    context: { readonly reason: TeardownReason; readonly signal: AbortSignal },
  ) => void | PromiseLike<void>
  /** How long `teardown` is waited for, 1 …; default 5,000. Then its signal is aborted and life goes on. */
  readonly teardownTimeoutMs?: number
  /** Asks from time to time whether the stage still works; default: nobody asks. */
  readonly health?: StageHealth<S>
  /**
   * What a crash does with items whose handler has not returned: `'requeue-once'`, the default, puts each back before
   * those that wait, once; `'fail'` fails them.
   */
  readonly onCrash?: 'requeue-once' | 'fail'
}

/** What went wrong in a stage beside its items. */
export type StageTrouble =
  | {
      readonly type: 'unhealthy'
      readonly error: unknown
      /** In a row, this one included. */ readonly failures: number
    }
  | { readonly type: 'teardown-failed'; readonly error: unknown; readonly reason: TeardownReason }

/** A stage's `health` with the defaults filled in. */
export type HealthSettings = Required<StageHealth<unknown>>

/** The options with the defaults filled in; inside, states have no types of their own. */
export interface LifeSettings {
  readonly setup: ((context: SetupContext) => unknown) | undefined
  readonly setupTimeoutMs: number
  readonly teardown: LifeOptions<unknown>['teardown']
  readonly teardownTimeoutMs: number
  readonly health: HealthSettings | undefined
}

/** The names of the options that `checkLife` and `checkOnCrash` look at. */
export const lifeKeys: readonly (keyof LifeOptions<unknown>)[] = [
  'setup',
  'setupTimeoutMs',
  'teardown',
  'teardownTimeoutMs',
  'health',
  'onCrash',
]

/** @throws RangeError or TypeError that names the option (by `of`), its value and what is allowed. */
export function checkLife<S, X extends SetupContext>(
  options: LifeOptions<S, X>,
  of: (option: string) => string = (option) => option,
): LifeSettings {
  const { setup, teardown, health } = options
  if (setup !== undefined) checkFunction(of('setup'), setup)
  if (teardown !== undefined) checkFunction(of('teardown'), teardown)
  return {
    setup: setup as LifeSettings['setup'],
    setupTimeoutMs: checkNumber(of('setupTimeoutMs'), options.setupTimeoutMs ?? Infinity, { min: 1, max: Infinity }),
    teardown: teardown as LifeSettings['teardown'],
    teardownTimeoutMs: checkNumber(of('teardownTimeoutMs'), options.teardownTimeoutMs ?? 5000, { min: 1 }),
    health: health === undefined ? undefined : checkHealth(health, of),
  }
}

/** @throws RangeError or TypeError that names the option (by `of`), its value and what is allowed. */
export function checkOnCrash(
  { onCrash }: Pick<LifeOptions<never>, 'onCrash'>,
  of: (option: string) => string = (option) => option,
): 'requeue-once' | 'fail' {
  return checkOneOf(of('onCrash'), onCrash ?? 'requeue-once', ['requeue-once', 'fail'])
}

/** The clock that a stage's time-outs go by. */
export function lifeClock(clock: Clock | undefined): Clock {
  return checkClock('clock', clock ?? systemClock)
}

function checkHealth<S>(health: StageHealth<S>, of: (option: string) => string): HealthSettings {
  checkKeys(of('health'), health, ['check', 'everyMs', 'timeoutMs', 'failures'])
  return {
    check: checkFunction(of('health.check'), health.check) as HealthSettings['check'],
    everyMs: checkNumber(of('health.everyMs'), health.everyMs ?? 10_000, { min: 1 }),
    timeoutMs: checkNumber(of('health.timeoutMs'), health.timeoutMs ?? 5000, { min: 1 }),
    failures: checkInteger(of('health.failures'), health.failures ?? 3, { min: 1 }),
  }
}
