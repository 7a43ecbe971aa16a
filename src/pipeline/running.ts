import type { Observable, OperatorFunction } from 'rxjs'
import type { Outcome } from './outcome.ts'
import type { Reply } from './reply.ts'

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

/** A stage's latency since the start, estimated from its histogram. */
export interface LatencyFigures {
  readonly count: number
  readonly meanMs: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/**
 * The life of a stage: `starting` while its `setup` has not returned, `stopping` while its `teardown` has not,
 * `backing-off` between a crash and the next start.
 */
export type StageState = 'starting' | 'running' | 'backing-off' | 'draining' | 'stopping' | 'stopped' | 'failed'

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
  /** Starts after a crash, also those whose `setup` failed. */
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
  | { readonly type: 'started' | 'drained' | 'restarted'; readonly stage: string }
  | {
      readonly type: 'crashed' | 'escalated' | 'overflowed' | 'unhealthy' | 'teardown-failed'
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
}

/** Changes the limits of a stage that runs; each throws a RangeError or TypeError when the number is out of range. */
export interface StageControl {
  /**
   * How many requests (or units) may wait, 0 …, whatever `scale` is. When it is lowered nothing is put out: what was
   * let in keeps its place.
   */
  setCapacity(capacity: number): void
  /** How many handlers may run at once, 1 …. When it is lowered, what runs beyond it goes on. */
  setConcurrency(concurrency: number): void
}

/** Where a submission comes from. */
export type Origin = 'client'

/** A pipeline at work. */
export interface Running<Request, Output, Stage extends string = string> {
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
  /**
   * One stage, to change its limits while it runs.
   *
   * @throws RangeError that names the stages there are, when it is none of them.
   */
  stage(name: Stage): StageControl
  /** The stages' figures now, by name. */
  readonly stages: Readonly<Record<Stage, StageFigures>>
  /** How every request ends; completes after a drain. */
  readonly outcomes$: Observable<Outcome<Output>>
  /** What happens to the stages; completes after a drain. */
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
