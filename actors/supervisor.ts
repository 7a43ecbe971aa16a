import { from, type Observable, throwError } from 'rxjs'
import {
  type ActorLogic,
  type ActorSystem,
  type AnyActorLogic,
  type AnyMachineSnapshot,
  type DoneActorEvent,
  enqueueActions,
  type ErrorActorEvent,
  fromObservable,
  setup,
} from 'xstate'
import {
  type Backoff,
  checkClock,
  checkFunction,
  checkInteger,
  checkKeys,
  checkNumber,
  checkOneOf,
  checkText,
  type Clock,
  exponentialBackoff,
  show,
  systemClock,
} from '../operators/index.ts'
import { RestartIntensityError } from './errors.ts'
import { allowRestart } from './restart-intensity.ts'

/** A child and how to start it, at first and again after each crash. */
export interface ChildSpec {
  /** Unique among its siblings. */
  readonly id: string
  /** XState logic, or a function that gives an Observable or a promise; its error is the child's crash. */
  readonly start: AnyActorLogic | (() => Observable<unknown> | PromiseLike<unknown>)
}

/** How a supervisor answers crashes. */
export interface SupervisorOptions {
  /** Who is restarted with a child that crashed; `'one-for-one'`, the default: nobody. */
  readonly strategy?: 'one-for-one'
  /** Restarts of one child within `withinMs` before its next crash escalates, 0 …; default 5. */
  readonly maxRestarts?: number
  /** The sliding window of `maxRestarts` in milliseconds, more than 0; default 60,000. */
  readonly withinMs?: number
  /** The delay before each restart; default `exponentialBackoff()`. */
  readonly backoff?: Backoff
  /** Dates the crashes; the delays follow the clock that the actor system is created with. Default the system's. */
  readonly clock?: Clock
}

/** What a supervisor tells of its children: `actor.on(type, …)`. */
export type SupervisorEvent =
  | { readonly type: 'started' | 'restarted' | 'stopped'; readonly id: string }
  | { readonly type: 'crashed' | 'escalated'; readonly id: string; readonly error: unknown }

/** The time to start a child again has come. */
export interface Restart {
  readonly type: 'restart'
  readonly id: string
}

interface SupervisorContext {
  /** The times of each child's restarts within the window. */
  readonly restarts: Readonly<Record<string, readonly number[]>>
  /** Why it gave up. */
  readonly error?: RestartIntensityError
}

/** What a supervisor's machine hears: from its children and from its own delays; nobody else sends to it. */
export type SupervisorInput = Restart | ErrorActorEvent | DoneActorEvent

/** What `supervise` makes. */
export type SupervisorLogic = ActorLogic<
  AnyMachineSnapshot,
  SupervisorInput,
  undefined,
  // The type that XState itself puts here, which it does not export.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  ActorSystem<any>,
  SupervisorEvent
>

/**
 * Actor logic for a supervisor: starts its children in order, and starts a child that crashes again after a
 * backoff that grows. A child that crashes more often than the restart intensity allows is given up: the
 * supervisor stops the others and ends with a `RestartIntensityError`, for its own supervisor or, at the root,
 * its observer to hear. A child that ends by itself is not started again.
 *
 * Always observe a root supervisor's `error`: XState takes an error that nobody observes for the process's own.
 *
 * @example
 * ```ts
 * const root = createActor(supervise([{ id: 'prices', start: () => prices$ }]))
 * root.subscribe({ error: (error) => console.error('gave up', error) })
 * root.on('restarted', ({ id }) => console.warn(id, 'runs again'))
 * root.start()
 * ```
 *
 * @throws RangeError or TypeError that names the option, its value and the allowed range.
 * @see Erlang/OTP, supervisor behaviour
 */
export function supervise(children: readonly ChildSpec[], options: SupervisorOptions = {}): SupervisorLogic {
  checkKeys('supervise', options, ['strategy', 'maxRestarts', 'withinMs', 'backoff', 'clock'])
  checkOneOf('strategy', options.strategy ?? 'one-for-one', ['one-for-one'])
  const maxRestarts = checkInteger('maxRestarts', options.maxRestarts ?? 5)
  const withinMs = checkNumber('withinMs', options.withinMs ?? 60_000, { min: 1 })
  const backoff = checkFunction('backoff', options.backoff ?? exponentialBackoff())
  const clock = checkClock('clock', options.clock ?? systemClock)
  const ids = children.map((child) => checkText('id', child.id))
  if (new Set(ids).size < ids.length)
    throw new RangeError(`supervise: two children have the same id: ${ids.join(', ')}`)
  const logics: Record<string, AnyActorLogic> = Object.fromEntries(children.map((child) => [child.id, toLogic(child)]))

  const recordRestart = (context: SupervisorContext, id: string): ReturnType<typeof allowRestart> =>
    allowRestart(context.restarts[id] ?? [], clock.now(), { maxRestarts, withinMs })

  return setup({
    types: {
      context: {} as SupervisorContext,
      events: {} as SupervisorInput,
      emitted: {} as SupervisorEvent,
    },
    actors: logics,
    guards: {
      isOneTooMany: ({ context, event }) => !recordRestart(context, (event as ErrorActorEvent).actorId).allowed,
    },
    actions: {
      startChildren: enqueueActions(({ enqueue }) => {
        for (const id of ids) {
          enqueue.spawnChild(id, { id })
          enqueue.emit({ type: 'started', id })
        }
      }),
      scheduleRestart: enqueueActions(({ enqueue, event, context }) => {
        const { actorId: id, error } = event as ErrorActorEvent
        const { restarts } = recordRestart(context, id)
        enqueue.assign({ restarts: { ...context.restarts, [id]: restarts } })
        enqueue.stopChild(id)
        enqueue.emit({ type: 'crashed', id, error })
        enqueue.raise({ type: 'restart', id }, { delay: backoff(restarts.length), id: `restart ${id}` })
      }),
      restartChild: enqueueActions(({ enqueue, event }) => {
        const { id } = event as Restart
        enqueue.spawnChild(id, { id })
        enqueue.emit({ type: 'restarted', id })
      }),
      giveUp: enqueueActions(({ enqueue, event }) => {
        const { actorId: id, error } = event as ErrorActorEvent
        const message = `child ${show(id)} crashed once more after ${maxRestarts} restarts within ${withinMs} ms (maxRestarts, withinMs)`
        enqueue.assign({ error: new RestartIntensityError(message, { cause: error }) })
        enqueue.emit({ type: 'crashed', id, error })
        enqueue.emit({ type: 'escalated', id, error })
        for (const child of ids.toReversed()) enqueue.stopChild(child)
      }),
      tellStopped: enqueueActions(({ enqueue, event }) => {
        enqueue.emit({ type: 'stopped', id: (event as DoneActorEvent).actorId })
      }),
    },
  }).createMachine({
    id: 'supervisor',
    context: { restarts: {} },
    initial: 'supervising',
    states: {
      supervising: {
        entry: 'startChildren',
        on: {
          'xstate.error.actor.*': [
            { guard: 'isOneTooMany', target: 'failed', actions: 'giveUp' },
            { actions: 'scheduleRestart' },
          ],
          'xstate.done.actor.*': { actions: 'tellStopped' },
          restart: { actions: 'restartChild' },
        },
      },
      // An error that nobody here handles ends the machine with it, after what it has told is heard. To throw
      // in an action would take back what the action's own transition told.
      failed: { invoke: { src: givingUp, input: ({ context }) => context.error } },
    },
  })
}

const givingUp = fromObservable<never, unknown>(({ input }) => throwError(() => input))

function toLogic({ id, start }: ChildSpec): AnyActorLogic {
  if (typeof start === 'object' && typeof start.transition === 'function') return start
  if (typeof start !== 'function') {
    throw new TypeError(
      `child ${show(id)}: start must be XState logic or a function that gives an Observable or a promise, got ${show(start)}`,
    )
  }
  return fromObservable(() => from(start()))
}
