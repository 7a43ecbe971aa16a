import { type ActorLogic, type AnyMachineSnapshot, fromObservable, setup } from 'xstate'
import type { Run } from './run.ts'
import { type StageHandler, type StageOptions, StageRunner } from './stage-runner.ts'

/** What a stage actor can be told. */
export type StageEvent =
  /** Finish what waits and what runs, then be done. */
  | { readonly type: 'drain' }
  /** Take nothing any more and be done at once; what waits stays in the channel. */
  | { readonly type: 'stop' }

/** What `fromStage` makes: a machine that takes `StageEvent`s. */
export type StageLogic = ActorLogic<AnyMachineSnapshot, StageEvent, undefined>

/**
 * Actor logic for a stage: it takes items from a channel and runs a handler on each.
 *
 * The actor is the control plane only: items never pass through its mailbox. It is `running`, then
 * `draining`, then done; a handler that throws `StageCrash` ends it with that error, and a supervisor starts
 * it again. The channel belongs to the caller, so what waits survives.
 *
 * @example
 * ```ts
 * const channel = new Channel<Job>({ capacity: 100, concurrency: 4 })
 * const stage = fromStage((job: Job) => run(job), { channel, onValue: (result) => results.push(result) })
 * createActor(supervise([{ id: 'jobs', start: stage }])).start()
 * channel.offer(job)
 * ```
 */
export function fromStage<T, R>(handler: StageHandler<T, R>, options: StageOptions<T, R>): StageLogic {
  return fromRunner(new StageRunner(handler, options))
}

/** Actor logic for a stage whose runner the caller keeps, to end its runs and look at them. */
export function fromRunner<T, R, C extends Run<T>>(runner: StageRunner<T, R, C>): StageLogic {
  return setup({
    types: { events: {} as StageEvent },
    actors: { epoch: fromObservable(() => runner.epoch$) },
    actions: {
      drain: () => {
        runner.drain()
      },
    },
  }).createMachine({
    id: 'stage',
    initial: 'consuming',
    states: {
      consuming: {
        // Without onError a crash is this actor's own error, which its supervisor hears.
        invoke: { src: 'epoch', onDone: 'done' },
        on: { stop: 'done' },
        initial: 'running',
        states: {
          running: { on: { drain: { target: 'draining', actions: 'drain' } } },
          draining: {},
        },
      },
      done: { type: 'final' },
    },
  })
}
