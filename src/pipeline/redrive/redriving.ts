import { type Actor, createActor } from 'xstate'
import { type ChildSpec, supervise, type SupervisorLogic } from '../../../actors/index.ts'
import { type Clock, exponentialBackoff } from '../../../operators/index.ts'
import type { DeadLetterStore } from '../../stores/dead-letter-store.ts'
import type { Reply } from '../reply.ts'
import type { LedgerBook } from '../ledger.ts'
import type { PipelineState, RedriveFigures } from '../running.ts'
import type { Stage } from '../stage-context.ts'
import type { StartSettings } from '../start-options.ts'
import { Waits } from '../waits.ts'
import { RedriveBook } from './redrive-book.ts'
import { RedriveBudget } from './redrive-budget.ts'
import type { RedriveSettings } from './redrive-options.ts'
import { RetryWorker } from './retry-worker.ts'
import { sparePlaces } from './spare-places.ts'
import { StoreCalls } from './store-calls.ts'

/** What redriving needs of the pipeline. */
export interface RedriveHost {
  readonly name: string
  readonly nodes: readonly Stage[]
  readonly book: LedgerBook
  state(): PipelineState
  /** Submits a request as the worker's. */
  submit(request: unknown): Reply<unknown>
}

/** The figures of a pipeline without a retry worker. */
export const noRedrives: RedriveFigures = {
  claimed: 0,
  running: 0,
  acked: 0,
  retried: 0,
  died: 0,
  deferred: 0,
  fenced: 0,
  unknown: 0,
  failedClaims: 0,
  restarts: 0,
}

/** How long an answer of the store may take; with short leases a third of one. */
const callTimeoutMs = 10_000
const defaultWithinMs = 60_000

/**
 * The redriving of a pipeline's dead letters: the retry worker, under a supervisor of its own, which starts it again
 * however often it crashes: the stages have nothing to do with that.
 */
export class Redriving {
  private readonly book: RedriveBook
  private readonly clock: Clock
  private readonly supervisor: Actor<SupervisorLogic>
  private readonly over: Promise<void>
  private worker: RetryWorker | undefined

  constructor(
    store: DeadLetterStore,
    settings: RedriveSettings,
    { clock, random, logger, supervision }: Pick<StartSettings, 'clock' | 'random' | 'logger' | 'supervision'>,
    host: RedriveHost,
  ) {
    const { concurrency, leaseMs, backoff, pollMs } = settings
    const book = new RedriveBook(logger, () => clock.now())
    const budget = new RedriveBudget(settings.budget, concurrency, clock.now())
    const crashSpacingMs = supervision.withinMs ?? defaultWithinMs
    const terms = { backoff, random, pollMs, crashSpacingMs, hasFailed: () => host.state() === 'failed' }
    const lastStage = host.nodes.at(-1)?.name ?? ''
    const ground = {
      ...{ store, clock, settings, terms, budget, book, lastStage, pipeline: host.name },
      submit: (request: unknown) => host.submit(request),
      sparePlaces: () => (host.state() === 'running' ? sparePlaces(host.nodes) : 0),
      admissions: () => {
        const { submitted, shed } = host.book.countsOf('client')
        return submitted - shed
      },
    }
    const retryWorker: ChildSpec = {
      id: 'retry worker',
      start: ({ signal }) => {
        const calls = new StoreCalls(clock, Math.min(callTimeoutMs, leaseMs / 3))
        return RetryWorker.run$({ ...ground, calls }, signal, (worker) => {
          this.worker = worker
        })
      },
      shutdownTimeoutMs: Infinity,
    }
    this.book = book
    this.clock = clock
    this.supervisor = createActor(
      supervise([retryWorker], {
        clock,
        // None is too many: it costs nothing but the work of the worker itself, and the delays grow.
        maxRestarts: Number.MAX_SAFE_INTEGER,
        backoff: exponentialBackoff({ initialMs: 1_000, maxMs: 60_000, random }),
      }),
      { clock },
    )
    this.supervisor.on('crashed', ({ error, delayMs }) => {
      book.crashed(error, delayMs)
    })
    this.over = new Promise((resolve) => {
      const end = (): void => {
        resolve()
      }
      this.supervisor.subscribe({ complete: end, error: end })
    })
    this.supervisor.start()
  }

  get figures(): RedriveFigures {
    return this.book.figures
  }

  /** An entry more is in the store. */
  wake(): void {
    this.worker?.wake()
  }

  /** Claims nothing any more; what is in flight goes on. */
  stop(): void {
    this.supervisor.send({ type: 'stop' })
  }

  /** Waits until the store has been told of all that was in flight; what is left after `timeoutMs` is left to its lease. */
  async finish(timeoutMs: number): Promise<void> {
    const time = new Waits(this.clock).start(timeoutMs)
    await Promise.race([this.over, time.over])
    time.end()
    this.supervisor.stop()
    await this.worker?.idle()
  }
}
