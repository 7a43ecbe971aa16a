import { type Channel, checkFunction, checkMethods, type Clock } from '../operators/index.ts'
import type { LifeOptions, LifeSettings, StageTrouble } from './life-options.ts'
import type { Run, StageRun } from './run.ts'

/** A stage's work on one item; a plain value is the result, a promise is awaited. */
export type StageHandler<T, R, C extends StageRun<T> = StageRun<T>> = (item: T, run: C) => R | PromiseLike<R>

/**
 * Where a stage's items come from, where its results go, and what it needs. What one of the functions that are told
 * something throws is reported as an unhandled error, as RxJS reports those of its observers.
 */
export interface StageOptions<T, R, C extends StageRun<T> = StageRun<T>, S = unknown> extends LifeOptions<S> {
  /** Where the items wait. It belongs to the caller and outlives every crash of the stage. */
  readonly channel: Channel<T>
  /** Told each result, once its slot is free. */
  readonly onValue?: (value: R, run: C) => void
  /**
   * Told each failure, once its slot is free: what the handler threw, the `StageCrash` of another item, or a
   * `StageStoppedError`.
   */
  readonly onError?: (error: unknown, run: C) => void
  /** Told that a crash puts an item back; its run has ended. */
  readonly onPutBack?: (run: C) => void
  /** Told what goes wrong beside the items: a health check or a teardown that failed. */
  readonly onTrouble?: (trouble: StageTrouble) => void
  /** What the time-outs go by; default the system's. */
  readonly clock?: Clock
}

/** The names of the functions that are told what comes of a stage's items. */
export const tellingKeys: readonly ('onValue' | 'onError' | 'onPutBack' | 'onTrouble')[] = [
  'onValue',
  'onError',
  'onPutBack',
  'onTrouble',
]

/** @throws TypeError that names the option and its value, where what is to be told something is no function. */
export function checkTelling(options: Readonly<Partial<Record<(typeof tellingKeys)[number], unknown>>>): void {
  for (const name of tellingKeys) if (options[name] !== undefined) checkFunction(name, options[name])
}

/** What a runner needs of the channel that its items come from: all of a `Channel`, or a share of one. */
export type StageChannel<T> = Pick<
  Channel<T>,
  'consume' | 'detach' | 'release' | 'drain' | 'remove' | 'requeue' | 'idle'
>

/** @throws TypeError that names what it lacks. */
export function checkChannel<T>(channel: StageChannel<T>): StageChannel<T> {
  const methods = ['consume', 'detach', 'release', 'drain', 'remove', 'requeue'] satisfies (keyof StageChannel<T>)[]
  return checkMethods('channel', channel, 'a Channel', methods)
}

/** What a runner's owner settles besides: how long slots last, and what the handler is given. */
export interface RunnerOptions<T, R, C extends Run<T>> extends Omit<
  StageOptions<T, R, C>,
  'channel' | keyof LifeOptions<never>
> {
  readonly channel: StageChannel<T>
  /** What the stage needs for its work; default nothing. */
  readonly life?: LifeSettings
  readonly onCrash?: 'requeue-once' | 'fail'
  /** Whether a result keeps its slot (as a stream does) until `StageRunner.end`; default never. */
  readonly holds?: (value: R, run: C) => boolean
  /**
   * Asked of each item that has a slot and is about to start: gives what is to be called once its slot is free again,
   * if it is to be shed instead. Neither must throw.
   */
  readonly sheds?: (item: T) => (() => void) | undefined
  /** Makes the object that the handler is given. */
  readonly createRun?: (item: T, attempt: number) => C
  /** Told each phase of the stage as it begins. */
  readonly onPhase?: (phase: StagePhase) => void
}

/** What a stage does while it is not down: `stopping` lasts as long as its teardown, or what runs before that. */
export type StagePhase = 'starting' | 'running' | 'paused' | 'draining' | 'stopping'
