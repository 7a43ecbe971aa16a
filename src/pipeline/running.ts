import type { Observable, OperatorFunction } from 'rxjs'
import type { Decision, LifeOptions } from '../../actors/index.ts'
import type { Handler, StageOutput } from '../handler.ts'
import type { Outcome } from './outcome.ts'
import type { Reply } from './reply.ts'
import type { StageSetupContext } from './stage-options.ts'

/** Every submission is in exactly one of the other six figures: their sum is `submitted`, at every instant. */
export interface Ledger {
  readonly submitted: number
  readonly completed: number
  readonly shed: number
  readonly failed: number
  readonly expired: number
  readonly cancelled: number
  readonly inFlight: number
}

/**
 * The dead letters of a pipeline, each in exactly one of the other six figures: their sum is `selected`. What was not
 * `stored` is `pending`; was there before (`duplicate`), or another of its id (`conflict`); the store was `full`; or it
 * was `dropped`, because too many were pending, it cannot be written, the store failed ten times, or a drain's time was
 * over.
 */
export interface DeadLetterFigures {
  /** Requests that a stage's `deadLetter` selected. */
  readonly selected: number
  readonly pending: number
  readonly stored: number
  readonly duplicate: number
  readonly conflict: number
  readonly full: number
  readonly dropped: number
}

/**
 * How a redrive ended for its entry: `acked`, it was completed and is forgotten; `retried`, it failed and is due again
 * later; `died`, it was given up; `deferred`, there was no room for it, which counts as no attempt; `fenced`, its lease
 * was over, so another worker has it, or it was purged; `unknown`, the store did not say, and its lease ends by itself.
 */
export type RedriveEnd = 'acked' | 'retried' | 'died' | 'deferred' | 'fenced' | 'unknown'

/** What the retry worker has done: `claimed = running + acked + retried + died + deferred + fenced + unknown`. */
export interface RedriveFigures extends Readonly<Record<RedriveEnd, number>> {
  /** Entries that the store has leased to it. */
  readonly claimed: number
  /** Of these, those that have not ended. */
  readonly running: number
  /** Calls of the store's `claim` that failed, or took too long. */
  readonly failedClaims: number
  /** Times that the worker itself crashed and was started again. */
  readonly restarts: number
}

/** A stage's latency since the start, estimated from its histogram. */
export interface LatencyFigures {
  readonly count: number
  readonly meanMs: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/**
 * The life of a stage: `starting` while its `setup` has not returned, `stopping` while its `teardown` has not,
 * `paused` by its control, `backing-off` between a crash, or a stop with its group, and the next start.
 */
export type StageState =
  'starting' | 'running' | 'paused' | 'backing-off' | 'draining' | 'stopping' | 'stopped' | 'failed'

/** What can be seen of a stage while it runs. */
export interface StageFigures {
  /** Requests that wait, or, where the stage weighs them, their units. */
  readonly queueDepth: number
  /** How many of these may wait. */
  readonly capacity: number
  /** Requests that wait for room, by the stage's `wait`. */
  readonly pending: number
  readonly running: number
  readonly concurrency: number
  readonly state: StageState
  /** Starts after the first, also those whose `setup` failed. */
  readonly restarts: number
  /** Health checks that failed. */
  readonly failedChecks: number
  /** Teardowns that failed or took longer than `teardownTimeoutMs`. */
  readonly failedTeardowns: number
  /** Requests that this stage turned away. */
  readonly shed: number
  /** Runs of its handler that gave a value or a stream. */
  readonly processed: number
  /** Slots taken back from handlers that did not heed their signal within `abortGraceMs`. */
  readonly abandoned: number
  readonly latency: LatencyFigures
}

/** The life of a pipeline. */
export type PipelineState = 'running' | 'draining' | 'stopped' | 'failed'

/** Something that happened to the pipeline or one of its stages. */
export type PipelineEvent =
  | { readonly type: 'started' | 'drained' | 'paused' | 'resumed' | 'swapped'; readonly stage: string }
  /** What its supervisor has decided, whose children are the stages. */
  | ({ readonly type: 'crashed'; readonly stage: string; readonly error: unknown } & Decision)
  /**
   * It was stopped with its group, to be started again, or because the pipeline has ended; `'forced'` is one whose
   * handlers took longer than `shutdownTimeoutMs` or the time of the drain.
   */
  | { readonly type: 'stopped'; readonly stage: string; readonly how: 'stopped' | 'forced' }
  /** It runs again, because stage `by` crashed. */
  | { readonly type: 'restarted'; readonly stage: string; readonly by: string }
  | {
      readonly type: 'escalated' | 'overflowed' | 'unhealthy' | 'teardown-failed'
      readonly stage: string
      readonly error: unknown
    }

/** How a drain went. */
export interface DrainReport {
  /** Requests in flight when it began. */
  readonly inFlight: number
  readonly completed: number
  readonly shed: number
  readonly failed: number
  readonly expired: number
  readonly cancelled: number
  /** New requests that were turned away while it lasted; not part of the others. */
  readonly refused: number
  /** Of the failed: those that ran out of time. */
  readonly timedOut: number
  readonly durationMs: number
  /** All dead letters since the start; absent where the pipeline keeps none. */
  readonly deadLetters?: DeadLetterFigures
  /** All redrives since the start; absent where the pipeline redrives none. */
  readonly redrives?: RedriveFigures
}

/** What goes into a stage and comes out of it, and what its `setup` gives. */
export interface StageTypes {
  readonly input: unknown
  readonly output: unknown
  readonly state: unknown
  /** What the pipeline is given. */
  readonly request: unknown
}

/** A handler that fits where another one was. */
export type FittingHandler<Types extends StageTypes, State = Types['state']> = Handler<
  Types['input'],
  StageOutput<Types['output']> | PromiseLike<StageOutput<Types['output']>>,
  Types['request'],
  State
>

/** Another handler for a stage, and what that needs. */
export interface StageSwap<Types extends StageTypes, State> extends Omit<
  LifeOptions<State, StageSetupContext>,
  'onCrash'
> {
  readonly handler: FittingHandler<Types, State>
}

/**
 * Changes a stage that runs. Once the stage has ended, by a drain or for good, nothing can change it any more: then each
 * throws a `StageStoppedError` that names the states, and the promise of `swap` rejects with it.
 */
export interface StageControl<Types extends StageTypes = StageTypes> {
  /**
   * How many requests (or units) may wait, 0 …, whatever `scale` is. When it is lowered nothing is put out: what was
   * let in keeps its place.
   *
   * @throws RangeError or TypeError when the number is out of range.
   */
  setCapacity(capacity: number): void
  /**
   * How many handlers may run at once, 1 …. When it is lowered, what runs beyond it goes on.
   *
   * @throws RangeError or TypeError when the number is out of range.
   */
  setConcurrency(concurrency: number): void
  /**
   * Takes nothing until `resume`, also after a restart. What runs goes on, and what comes waits as far as there is room;
   * the rest is shed as `stage-down`. A drain resumes the stage, and does not let it pause.
   *
   * @throws StageStoppedError once the pipeline drains or has ended.
   */
  pause(): void
  /** Takes requests again. */
  resume(): void
  /**
   * Puts another handler in the place of the present one, for requests that start from now on; those that run are
   * finished by the one before. It works with what the stage's `setup` has acquired.
   *
   * @returns Resolves at once.
   */
  swap(handler: FittingHandler<Types>): Promise<void>
  /**
   * The same with a `setup`, `teardown` and `health` of its own: what it needs is acquired first, then requests go to
   * it, and what the one before works with is torn down once its last run has ended. A stage that is down or starting
   * starts with the new one, and with the one before when the new one's `setup` fails, which is no crash.
   *
   * @returns Resolves once requests go to the new handler, of a stage that is down not before it is started again.
   * Rejects with a `StageSetupError` when its setup fails, or is called off because the stage ends or is given yet
   * another handler; the stage then goes on as it was.
   * @throws RangeError or TypeError that names the option, its value and what is allowed.
   */
  swap<State = undefined>(next: StageSwap<Types, State>): Promise<void>
}

/** A pipeline at work. */
export interface Running<
  Request,
  Output,
  Stage extends string = string,
  // As for a pipeline's type: who names it by hand need not say what goes into each stage.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  Types extends Readonly<Record<Stage, StageTypes>> = any,
> {
  readonly name: string
  readonly state: PipelineState
  /** Admits the request or turns it away, at once; never throws. */
  submit(request: Request): Reply<Output>
  /** Submits on subscription: for `retry`, `timeout`, `switchMap` …; unsubscribing cancels. */
  request(request: Request): Observable<Output>
  /** One outcome for each request, in the order in which they end; the value of a stream is the array of its chunks. */
  asOperator(): OperatorFunction<Request, Outcome<Output | readonly Output[]>>
  /** The books now. */
  ledger(): Ledger
  /** What became of the dead letters; all 0 where the pipeline keeps none. */
  deadLetters(): DeadLetterFigures
  /**
   * Whether the store of `sessions` takes what it is given: `away` when the last update failed by an outage, until one
   * is answered. `undefined` where the pipeline has no sessions.
   */
  readonly sessionStore: 'ready' | 'away' | undefined
  /** What the retry worker has done; all 0 where there is none. */
  redrives(): RedriveFigures
  /**
   * One stage, to change it while it runs.
   *
   * @throws RangeError that names the stages there are, when it is none of them.
   */
  stage<Name extends Stage>(name: Name): StageControl<Types[Name]>
  /** The stages' figures now, by name. */
  readonly stages: Readonly<Record<Stage, StageFigures>>
  /** How every request ends; completes after a drain. */
  readonly outcomes$: Observable<Outcome<Output>>
  /**
   * What happens to the stages; completes after a drain. Whoever comes late is first told which have started, and how
   * those ended that have.
   */
  readonly events$: Observable<PipelineEvent>
  /**
   * Refuses new requests, finishes those in flight and stops; those that are not done in time are `failed`
   * with `drain_timeout`. A second call returns the first one's promise. Stages are torn down within that time, or
   * after it, in at most the longest `teardownTimeoutMs` besides.
   *
   * @param options.timeoutMs Default 30,000.
   */
  drain(options?: { readonly timeoutMs?: number }): Promise<DrainReport>
}
