import {
  type ActorLogic,
  type AnyActorRef,
  type AnyMachineSnapshot,
  fromObservable,
  setup,
  type SnapshotFrom,
} from 'xstate'
import type { StagePhase } from './runner-options.ts'
import type { StageRunner } from './stage-runner.ts'

/** What a stage actor can be told. */
export type StageEvent =
  /** Take nothing until `resume`, also after a restart; what runs goes on, and what waits waits. */
  | { readonly type: 'pause' }
  | { readonly type: 'resume' }
  /**
   * Finish what waits and what runs, then be done; a stage that is paused resumes for it. It takes as long as it takes,
   * since what waits is the caller's: whoever has waited long enough has its supervisor stop, which stops it within
   * `shutdownTimeoutMs`, and takes back what waits from the channel.
   */
  | { readonly type: 'drain' }
  /**
   * Take nothing any more and be done, once what runs has returned and all is torn down; what waits stays in the
   * channel.
   */
  | { readonly type: 'stop' }

/** What `fromStage` makes: a machine that takes `StageEvent`s. */
export type StageLogic = ActorLogic<AnyMachineSnapshot, StageEvent, undefined>

/** What a stage's machine needs of its runner. */
type Driven = Pick<StageRunner<never, never>, 'epoch$' | 'pause' | 'resume' | 'drain' | 'stop'>

/** The runner that a stage actor drives. It is no part of the actor's snapshot, which is plain data. */
const driven = new WeakMap<AnyActorRef, Driven>()

/**
 * Actor logic for a stage whose runner the caller keeps, to end its runs and look at them.
 *
 * All stages share one machine, because making it for each takes more than a third of the time that a pipeline takes to
 * start, and half of its memory.
 */
export function fromRunner(runner: Driven): StageLogic {
  return Object.assign(Object.create(stageMachine) as StageLogic, {
    getInitialSnapshot: (scope, input) => {
      driven.set(scope.self, runner)
      return stageMachine.getInitialSnapshot(scope, input)
    },
    restoreSnapshot: (snapshot, scope) => {
      driven.set(scope.self, runner)
      return stageMachine.restoreSnapshot(snapshot, scope)
    },
  } satisfies Partial<StageLogic>)
}

function runnerOf(stage: AnyActorRef): Driven {
  return driven.get(stage) as Driven
}

const epoch = fromObservable(({ self }) => runnerOf(self._parent as AnyActorRef).epoch$)

const isNow = (phase: StagePhase) => ({
  guard: ({ event }: { readonly event: { readonly snapshot: SnapshotFrom<typeof epoch> } }) =>
    event.snapshot.context === phase,
  target: `.${phase}` as const,
})

const stageMachine = setup({
  types: { events: {} as StageEvent },
  actors: { epoch },
  actions: {
    pause: ({ self }) => {
      runnerOf(self).pause()
    },
    resume: ({ self }) => {
      runnerOf(self).resume()
    },
    drain: ({ self }) => {
      runnerOf(self).drain()
    },
    stop: ({ self }) => {
      runnerOf(self).stop()
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
