import { type ActorLogic, type AnyMachineSnapshot, fromObservable, setup, type SnapshotFrom } from 'xstate'
import { checkKeys } from '../operators/index.ts'
import { checkLife, checkOnCrash, lifeKeys } from './life-options.ts'
import type { Run, StageRun } from './run.ts'
import { checkTelling, type StageHandler, type StageOptions, type StagePhase, tellingKeys } from './runner-options.ts'
import { StageRunner } from './stage-runner.ts'

/** What a stage actor can be told. */
export type StageEvent =
  /** Take nothing until `resume`, also after a restart; what runs goes on, and what waits waits. */
  | { readonly type: 'pause' }
  | { readonly type: 'resume' }
  /** Finish what waits and what runs, then be done; a stage that is paused resumes for it. */
  | { readonly type: 'drain' }
  /**
   * Take nothing any more and be done, once what runs has returned and all is torn down; what waits stays in the
   * channel.
   */
  | { readonly type: 'stop' }

/** What `fromStage` makes: a machine that takes `StageEvent`s. */
export type StageLogic = ActorLogic<AnyMachineSnapshot, StageEvent, undefined>

/**
 * Actor logic for a stage: it takes items from a channel and runs a handler on each.
 *
 * The actor is the control plane only: items never pass through its mailbox. It is `up` and there `starting` (while
 * `setup` has not returned), `running`, `paused`, `draining` or `stopping` (while `teardown` has not returned), then `done`. A
 * handler that throws `StageCrash`, a `setup` that fails and a `health` check that fails for good end it with that
 * error, and a supervisor starts it again. The channel belongs to the caller, so what waits survives. The logic can be
 * started again when its actor has ended, but not twice at once. `actor.stop()` waits for nothing: what runs is called
 * off and goes back to the channel, as in a crash.
 *
 * @example
 * ```ts
 * const channel = new Channel<Job>({ capacity: 100, concurrency: 4 })
 * const stage = fromStage((job: Job, { state }) => state.run(job), {
 *   channel,
 *   setup: () => connect(url),
 *   teardown: (connection) => connection.close(),
 *   onValue: (result) => results.push(result),
 * })
 * const root = createActor(supervise([{ id: 'jobs', start: stage }]))
 * root.subscribe({ error: (error) => console.error('gave up', error) })
 * root.start()
 * channel.offer(job)
 * ```
 *
 * @throws RangeError or TypeError that names the option, its value and what is allowed.
 */
export function fromStage<T, R, S = undefined>(
  handler: StageHandler<T, R, StageRun<T, S>>,
  options: StageOptions<T, R, StageRun<T, S>, S>,
): StageLogic {
  checkKeys('fromStage', options, ['channel', ...tellingKeys, 'clock', ...lifeKeys])
  checkTelling(options)
  const runner = new StageRunner<T, R>(handler as StageHandler<T, R>, {
    ...(options as StageOptions<T, R>),
    life: checkLife(options),
    onCrash: checkOnCrash(options),
  })
  return fromRunner(runner)
}

/** Actor logic for a stage whose runner the caller keeps, to end its runs and look at them. */
export function fromRunner<T, R, C extends Run<T>>(runner: StageRunner<T, R, C>): StageLogic {
  const epoch = fromObservable(() => runner.epoch$)
  const isNow = (phase: StagePhase) => ({
    guard: ({ event }: { readonly event: { readonly snapshot: SnapshotFrom<typeof epoch> } }) =>
      event.snapshot.context === phase,
    target: `.${phase}` as const,
  })
  return setup({
    types: { events: {} as StageEvent },
    actors: { epoch },
    actions: {
      pause: () => {
        runner.pause()
      },
      resume: () => {
        runner.resume()
      },
      drain: () => {
        runner.drain()
      },
      stop: () => {
        runner.stop()
      },
    },
  }).createMachine({
    id: 'stage',
    initial: 'up',
    states: {
      up: {
        // Without onError a crash is this actor's own error, which its supervisor hears.
        invoke: {
          src: 'epoch',
          onSnapshot: [isNow('starting'), isNow('running'), isNow('paused'), isNow('draining'), isNow('stopping')],
          onDone: 'done',
        },
        on: { stop: { actions: 'stop' } },
        initial: 'starting',
        // What begins is told by the data plane, which alone knows when it has.
        states: {
          starting: { on: { pause: { actions: 'pause' }, resume: { actions: 'resume' }, drain: { actions: 'drain' } } },
          running: { on: { pause: { actions: 'pause' }, drain: { actions: 'drain' } } },
          paused: { on: { resume: { actions: 'resume' }, drain: { actions: 'drain' } } },
          draining: {},
          stopping: {},
        },
      },
      done: { type: 'final' },
    },
  })
}
