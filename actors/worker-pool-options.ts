import type { ChannelOptions } from '../operators/index.ts'
import type { ChildSpec } from './child-spec.ts'
import type { LifeOptions, SetupContext, StageTrouble } from './life-options.ts'
import type { StageRun } from './run.ts'
import type { StageOptions, StagePhase } from './runner-options.ts'
import type { SupervisorOptions } from './supervisor.ts'

/** What the `setup` of a pool's worker is told. */
export interface WorkerSetupContext extends SetupContext {
  /** Which worker of the pool it is, 0 …. */
  readonly worker: number
}

/** One run of a pool's handler on one item. */
export interface WorkerRun<T, S = unknown> extends StageRun<T, S> {
  /** Which worker of the pool runs it, 0 …. */
  readonly worker: number
}

/**
 * Who gets an item. `'least-load'`: all take from one line, and what is first there starts at the worker that runs
 * least, of equal ones at the first. `affinity`: each worker has a line, and items of one session stay with one worker.
 */
export type WorkerRouting<T> = 'least-load' | WorkerAffinity<T>

/** Routing by session: always to the same worker, while the number of workers is the same, and in order. */
export interface WorkerAffinity<T> {
  /** The session that an item belongs to. */
  readonly affinity: (item: T) => string
}

/** How many workers there are, how items come to them, what each needs, and how crashes are answered. */
export interface WorkerPoolOptions<T, R, S = unknown>
  extends
    LifeOptions<S, WorkerSetupContext>,
    Pick<StageOptions<T, R, WorkerRun<T, S>>, 'onValue' | 'onError' | 'onPutBack' | 'clock'>,
    Pick<ChildSpec, 'shutdownTimeoutMs'> {
  /** How many workers, 1 …. */
  readonly workers: number
  /** Where items wait: in one line, or with affinity in one for each worker. `concurrency` is what each worker may run. */
  readonly channel: ChannelOptions<T>
  /** Default `'least-load'`. */
  readonly routing?: WorkerRouting<T>
  /** How the pool answers crashes of its workers. */
  readonly supervision?: Pick<SupervisorOptions, 'maxRestarts' | 'withinMs' | 'backoff' | 'healthyAfterMs'>
  /** Told what goes wrong in a worker beside the items: a health check or a teardown that failed. */
  readonly onTrouble?: (trouble: StageTrouble, worker: number) => void
}

/** How a worker is. */
export interface WorkerFigures {
  /** `'down'`: it is not started yet, waits to be started again, or has ended. */
  readonly state: StagePhase | 'down'
  /** Items that it runs, and with affinity those that wait for it. */
  readonly load: number
  /** How often it has been started again. */
  readonly restarts: number
}

/** How a pool is. */
export interface WorkerPoolFigures {
  readonly waiting: number
  readonly running: number
  readonly workers: readonly WorkerFigures[]
}
