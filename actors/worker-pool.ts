import type { ActorLogic, ActorSystem, AnyActorRef, AnyMachineSnapshot } from 'xstate'
import { PoolWorkers } from './pool-workers.ts'
import type { StageHandler } from './runner-options.ts'
import { supervise } from './supervisor.ts'
import type { SupervisorEvent } from './supervisor-event.ts'
import type { WorkerPoolFigures, WorkerPoolOptions, WorkerRun } from './worker-pool-options.ts'

/** What a worker pool can be told. */
export type WorkerPoolEvent =
  /**
   * Take in nothing more, finish what waits and what runs, then be done, for good. It takes as long as it takes: a
   * `stop` ends it within `shutdownTimeoutMs`, and `discard` takes back what waits.
   */
  | { readonly type: 'drain' }
  /** Have all workers stop, each within `shutdownTimeoutMs`, and then be done; what waits stays for the next start. */
  | { readonly type: 'stop' }

/** What `fromWorkerPool` makes: a supervisor's logic, and where its items go in. */
export interface WorkerPoolLogic<T> extends ActorLogic<
  AnyMachineSnapshot,
  WorkerPoolEvent,
  undefined,
  // The type that XState itself puts here, which it does not export.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  ActorSystem<any>,
  SupervisorEvent
> {
  /**
   * Brings an item, also while the pool is down, without waiting; it never throws, provided `affinity`, the functions
   * among the channel's options and what the pool tells do not.
   *
   * @returns `'accepted'`: it has started or waits; `'shed'`: there was neither a slot nor room; `'closed'`: the pool
   * drains, or its channel has failed by `overflow: 'fail'`.
   */
  readonly offer: (item: T) => 'accepted' | 'shed' | 'closed'
  /** Takes back all that waits, as for a pool that will not be started again. */
  readonly discard: () => readonly T[]
  /** How the pool is at the moment. */
  readonly figures: () => WorkerPoolFigures
}

/**
 * Actor logic for a pool of workers: stages of a kind under a supervisor, which starts again the one that crashes and
 * leaves the others alone.
 *
 * It is a `supervise` with `'one-for-one'` whose children are `worker 0`, `worker 1` …, and tells the same events. Each
 * worker has its own `setup`, `teardown`, `health` and state. What a worker that crashes was running is put back once,
 * before what waits: for all, or with affinity for itself. More crashes than `supervision` allows end the pool with a
 * `RestartIntensityError`, which is a crash for its own supervisor; what waits stays, and goes on when that starts the
 * pool again. One logic is one pool: it is to be started once at a time, and a second start fails.
 *
 * @example
 * ```ts
 * const pool = fromWorkerPool((page: Page, { state }) => state.render(page), {
 *   workers: 4,
 *   channel: { capacity: 100 },
 *   routing: { affinity: (page) => page.session },
 *   setup: ({ worker }) => openBrowser(`profile-${worker}`),
 *   teardown: (browser) => browser.close(),
 *   onValue: (image, { item }) => item.done(image),
 * })
 * const root = createActor(supervise([{ id: 'pages', start: pool }]))
 * root.subscribe({ error: report })
 * root.start()
 * if (pool.offer(page) === 'shed') console.warn('too busy')
 * ```
 *
 * @throws RangeError or TypeError that names the option, its value and what is allowed.
 */
export function fromWorkerPool<T, R, S = undefined>(
  handler: StageHandler<T, R, WorkerRun<T, S>>,
  options: WorkerPoolOptions<T, R, S>,
): WorkerPoolLogic<T> {
  const pool = new PoolWorkers(handler as StageHandler<T, R>, options as unknown as WorkerPoolOptions<T, R>)
  const { clock, supervision } = options
  const logic = supervise(pool.children, {
    ...supervision,
    ...(clock && { clock }),
    stopping: 'together',
    autoShutdown: 'all',
  })
  const transition = logic.transition.bind(logic)
  let owner: AnyActorRef | undefined
  return Object.assign(logic, {
    offer: (item: T) => pool.offer(item),
    discard: () => pool.discard(),
    figures: () => pool.figures(),
    transition: ((snapshot, event, scope) => {
      const { self } = scope as { readonly self: AnyActorRef }
      if (owner !== self) {
        if ((owner?.getSnapshot() as AnyMachineSnapshot | undefined)?.status === 'active') throw runsAlready()
        owner = self
      }
      if (event.type === 'drain') {
        scope.defer(() => {
          pool.drain()
        })
        return snapshot
      }
      // All at once: what one worker puts back is not for another that stops next.
      if ((event.type as string) === 'xstate.stop') pool.stop()
      // Deferred, so that the supervisor knows that it stops before it hears that workers have ended. Its own events
      // pass here, too.
      if ((event.type as string) === 'stop') {
        scope.defer(() => {
          pool.stop()
        })
      }
      return transition(snapshot, event, scope)
    }) satisfies WorkerPoolLogic<T>['transition'],
  })
}

function runsAlready(): Error {
  return new Error('this pool runs already: each actor that is to run at once needs a pool of its own')
}
