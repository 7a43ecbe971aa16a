import { isObservable, throwError } from 'rxjs'
import {
  type ActorLogic,
  type ActorSystem,
  type AnyActorLogic,
  type AnyActorRef,
  type AnyMachineSnapshot,
  assign,
  type DoneActorEvent,
  emit,
  type ErrorActorEvent,
  fromCallback,
  fromObservable,
  sendTo,
  setup,
  type Snapshot,
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
import { canBeAsked, fromStart, lettingGo, stopEvent } from './child-logic.ts'
import type { ChildSpec } from './child-spec.ts'
import { isPromiseLike } from './is-promise-like.ts'
import {
  type Happening,
  initialSupervision,
  isOver,
  movedBy,
  type RestartStrategy,
  type Step,
  supervision,
  type SupervisionRules,
  type SupervisionState,
} from './supervision-rules.ts'
import type { SupervisorEvent } from './supervisor-event.ts'

/** How a supervisor answers crashes. */
export interface SupervisorOptions {
  /**
   * Who is started again with a child that fell: `'one-for-one'`, the default, nobody; `'rest-for-one'` all that are
   * listed after it; `'one-for-all'` all.
   */
  readonly strategy?: RestartStrategy
  /** Which end of the list is started first, and stopped last; default `'first'`. */
  readonly startFrom?: 'first' | 'last'
  /**
   * `'one-by-one'`, the default: a child is stopped when the one before is down. `'together'`: all are asked to stop at
   * the same time, as those of OTP's `simple_one_for_one`; for children that do not depend on each other.
   */
  readonly stopping?: 'one-by-one' | 'together'
  /** Restarts within `withinMs` before the next crash escalates, 0 …; a group counts once. `Infinity`: it never gives up. Default 5. */
  readonly maxRestarts?: number
  /** The sliding window of `maxRestarts` in milliseconds, 1 …; default 60,000. */
  readonly withinMs?: number
  /** The delay before each restart, by the number of crashes in a row; default `exponentialBackoff()`. */
  readonly backoff?: Backoff
  /** A child that has run this long is healthy: its next crash is the first in a row. Default `withinMs`. */
  readonly healthyAfterMs?: number
  /**
   * `'all'`: it is done once all its children have ended, and none of them is to be started again; `'never'`, the
   * default: it goes on until it is stopped.
   */
  readonly autoShutdown?: 'never' | 'all'
  /** Dates the crashes and times the delays; default the system's. */
  readonly clock?: Clock
}

/** What a supervisor can be told: to stop its children in their order, and then be done. */
export interface SupervisorInput {
  readonly type: 'stop'
}

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

interface SupervisorContext {
  readonly supervision: SupervisionState
  /** What it ends with once its children have stopped: an Error, as it is thrown, so JSON loses its prototype. */
  readonly error?: unknown
}

/** What the machine hears: from outside, from its children, and from itself. */
type MachineEvent = SupervisorInput | ErrorActorEvent | DoneActorEvent | Note

/** What the machine tells itself. */
type Note =
  | { readonly type: 'supervisor.proceed' }
  | { readonly type: 'supervisor.due'; readonly id: string }
  | Ask
  | { readonly type: 'supervisor.stopped'; readonly id: string; readonly how: 'stopped' | 'forced' }

/** Asks a child to stop; not in the transition that decides so, of which others hear first, who may end it. */
interface Ask {
  readonly type: 'supervisor.ask'
  readonly id: string
}

/** Logics of supervisors, which are given all the time that they need to stop. */
const supervisors = new WeakSet<AnyActorLogic>()

/**
 * Actor logic for a supervisor, by the rules of Erlang/OTP: it starts its children in order and starts those again
 * that crash, alone or with their group, after a backoff that grows with every crash in a row. When there are more
 * restarts than the intensity allows it gives up: it stops all children in the reverse order and ends with a
 * `RestartIntensityError`, which is a crash for its own supervisor and an error for the observer of a root.
 *
 * `actor.send({ type: 'stop' })` stops the children in the reverse order, each given its time, and then the
 * supervisor is done; `actor.stop()` stops all at once.
 *
 * Always observe a root supervisor's `error`: XState takes an error that nobody observes for the process's own.
 * Children need no observer.
 *
 * @example
 * ```ts
 * const connection: ChildSpec = { id: 'connection', start: ({ signal }) => serve(signal), shutdownTimeoutMs: 2_000 }
 * const prices: ChildSpec = { id: 'prices', start: () => prices$ }
 * const root = createActor(supervise([connection, prices], { strategy: 'rest-for-one' }))
 * root.subscribe({ error: (error) => console.error('gave up', error) })
 * root.on('crashed', ({ id, decision, starting }) => console.warn(id, decision, starting))
 * root.start()
 * ```
 *
 * @throws RangeError or TypeError that names the option, its value and the allowed range.
 * @see Erlang/OTP, stdlib: supervisor behaviour
 */
export function supervise(children: readonly ChildSpec[], options: SupervisorOptions = {}): SupervisorLogic {
  const list: unknown = children
  if (!Array.isArray(list)) throw new TypeError(`supervise: children must be a list, got ${show(children)}`)
  for (const [index, child] of children.entries()) {
    checkKeys(`children[${index}]`, child, ['id', 'start', 'restart', 'shutdownTimeoutMs'])
  }
  const rules = checkRules(children, options)
  const autoShutdown = checkOneOf('autoShutdown', options.autoShutdown ?? 'never', ['never', 'all'])
  const clock = checkClock('clock', options.clock ?? systemClock)
  const actors: Record<string, AnyActorLogic> = { timer: fromTimer(clock) }
  for (const child of children) actors[srcOf(child.id)] = toLogic(child)
  const timeouts = new Map(children.map((child) => [child.id, checkShutdownTimeoutMs(child)]))

  const machine = setup({
    types: {
      context: {} as SupervisorContext,
      events: {} as MachineEvent,
      emitted: {} as SupervisorEvent,
    },
    actors,
    guards: {
      isOver: ({ context }) =>
        isOver(context.supervision) || (autoShutdown === 'all' && haveEnded(context.supervision)),
      hasGivenUp: ({ context }) => isOver(context.supervision) && context.supervision.aim === 'give-up',
    },
    actions: {
      // Made here and not where they are needed: XState warns of an action that is made while an action of somebody
      // else's runs, and a crash may come from within one.
      remember: assign((_, known: Partial<SupervisorContext>) => known),
      send: sendTo(
        (_, { to }: { readonly to: AnyActorRef; readonly event: Note | SupervisorInput }) => to,
        (_, { event }) => event,
      ),
      tell: emit((_, event: SupervisorEvent) => event),
    },
  })
  const answer = machine.enqueueActions(({ enqueue, event, context, self }) => {
    if (event.type === 'supervisor.ask') {
      const actor = childrenOf(self)[event.id]
      if (actor !== undefined && canBeAsked(actor)) enqueue({ type: 'send', params: { to: actor, event: stopEvent } })
      return
    }
    const { state, steps } = supervision(rules, context.supervision, happeningOf(event), clock.now())
    const take: { readonly [K in Step['do']]: (step: Step & { readonly do: K }) => void } = {
      start: ({ id }) => {
        enqueue.spawnChild(srcOf(id), { id })
        note({ type: 'supervisor.proceed' })
      },
      stop: ({ id }) => {
        const actor = childrenOf(self)[id]
        const ms = timeouts.get(id) ?? 0
        if (actor === undefined || ms === 0 || !canBeAsked(actor)) {
          stopNow(id, 'stopped')
        } else {
          note({ type: 'supervisor.ask', id })
          take.wait({ do: 'wait', id, ms })
        }
      },
      force: ({ id }) => {
        stopNow(id, 'forced')
      },
      wait: ({ id, ms }) => {
        if (ms < Infinity) enqueue.spawnChild('timer', { id: timerOf(id), input: { id, ms } })
      },
      cancel: ({ id }) => {
        enqueue.stopChild(timerOf(id))
      },
      tell: (step) => {
        enqueue({ type: 'tell', params: step.event })
      },
      'give-up': ({ error }) => {
        enqueue({ type: 'remember', params: { error } })
      },
    }
    // XState puts off starting and stopping actors until the transition is over. A note through the mailbox comes
    // after what that brings about, and so whoever is next comes after it, too.
    const note = (to: Note): void => {
      enqueue({ type: 'send', params: { to: self, event: to } })
    }
    const stopNow = (id: string, how: 'stopped' | 'forced'): void => {
      enqueue.stopChild(id)
      note({ type: 'supervisor.stopped', id, how })
    }
    enqueue({ type: 'remember', params: { supervision: state } })
    // Also to start it again: XState forgets an actor in whose place another is put, without stopping it.
    if ('actorId' in event) enqueue.stopChild(event.actorId)
    if (event.type === 'supervisor.due') enqueue.stopChild(timerOf(event.id))
    for (const step of steps) take[step.do](step as never)
  })
  const logic = machine.createMachine({
    id: 'supervisor',
    context: { supervision: initialSupervision(rules) },
    initial: 'supervising',
    states: {
      supervising: {
        // Not before the actor is started: it is then that its children are.
        entry: sendTo(({ self }) => self, { type: 'supervisor.proceed' }),
        on: {
          'xstate.error.actor.*': { actions: answer },
          'xstate.done.actor.*': { actions: answer },
          'supervisor.*': { actions: answer },
          stop: { actions: answer },
        },
        always: [
          { guard: 'hasGivenUp', target: 'failed' },
          { guard: 'isOver', target: 'done' },
        ],
      },
      // An error that nobody here handles ends the machine with it, after what it has told is heard. To throw
      // in an action would take back what the action's own transition told.
      failed: { invoke: { src: givingUp, input: ({ context }) => context.error } },
      done: { type: 'final' },
    },
  })
  keepWallTimes(logic, clock)
  supervisors.add(logic)
  return logic as unknown as SupervisorLogic
}

/** Has a snapshot tell the wall's times, because a clock's own mean nothing to the process that restores it. */
function keepWallTimes(logic: AnyActorLogic, clock: Clock): void {
  const [persisted, restored] = [logic.getPersistedSnapshot.bind(logic), logic.restoreSnapshot?.bind(logic)]
  const moved = (snapshot: unknown, ms: number): unknown => {
    const { context } = snapshot as { readonly context: SupervisorContext }
    return { ...(snapshot as object), context: { ...context, supervision: movedBy(ms, context.supervision) } }
  }
  const aheadMs = (): number => clock.wallTime() - clock.now()
  Object.assign(logic, {
    getPersistedSnapshot: (snapshot, options) => moved(persisted(snapshot, options), aheadMs()) as Snapshot<unknown>,
    restoreSnapshot: (snapshot, scope) =>
      restored?.(moved(snapshot, -aheadMs()) as Snapshot<unknown>, scope) as unknown,
  } satisfies Partial<AnyActorLogic>)
}

const givingUp = fromObservable<never, unknown>(({ input }) => throwError(() => input))

/** An actor and not a delayed event, because actors are there again when a snapshot is restored. */
function fromTimer(clock: Clock): AnyActorLogic {
  return fromCallback<Note, { readonly id: string; readonly ms: number }>(({ sendBack, input: { id, ms } }) => {
    const handle = clock.setTimeout(() => {
      sendBack({ type: 'supervisor.due', id } satisfies Note)
    }, ms)
    return () => {
      clock.clearTimeout(handle)
    }
  })
}

function happeningOf(event: Exclude<MachineEvent, Ask>): Happening {
  if (event.type === 'supervisor.due') return { ...event, type: 'due' }
  if (event.type === 'supervisor.stopped') return { ...event, type: 'stopped' }
  if (event.type === 'supervisor.proceed') return { type: 'proceed' }
  if (event.type === 'stop') return event
  const { actorId: id } = event
  return isCrash(event) ? { type: 'crashed', id, error: event.error } : { type: 'ended', id }
}

function haveEnded({ children }: SupervisionState): boolean {
  return children.every(({ phase }) => phase === 'ended')
}

function isCrash(event: ErrorActorEvent | DoneActorEvent): event is ErrorActorEvent {
  return event.type.startsWith('xstate.error.')
}

function checkRules(children: readonly ChildSpec[], options: SupervisorOptions): SupervisionRules {
  checkKeys('supervise', options, [
    'strategy',
    'startFrom',
    'stopping',
    'maxRestarts',
    'withinMs',
    'backoff',
    'healthyAfterMs',
    'autoShutdown',
    'clock',
  ])
  const withinMs = checkNumber('withinMs', options.withinMs ?? 60_000, { min: 1 })
  const ids = children.map(({ id }, index) => checkText(`children[${index}].id`, id))
  const taken = new Set([...ids, ...ids.map(timerOf)])
  if (taken.size < 2 * ids.length) throw new RangeError(`supervise: two children have the same id: ${ids.join(', ')}`)
  return {
    children: children.map(({ id, restart }) => ({
      id,
      restart: checkOneOf(`child ${show(id)}: restart`, restart ?? 'transient', [
        'permanent',
        'transient',
        'temporary',
      ]),
    })),
    strategy: checkOneOf('strategy', options.strategy ?? 'one-for-one', ['one-for-one', 'rest-for-one', 'one-for-all']),
    startFrom: checkOneOf('startFrom', options.startFrom ?? 'first', ['first', 'last']),
    stopping: checkOneOf('stopping', options.stopping ?? 'one-by-one', ['one-by-one', 'together']),
    maxRestarts: checkInteger('maxRestarts', options.maxRestarts ?? 5, { max: Infinity }),
    withinMs,
    healthyAfterMs: checkNumber('healthyAfterMs', options.healthyAfterMs ?? withinMs),
    backoff: checkFunction('backoff', options.backoff ?? exponentialBackoff()),
  }
}

function checkShutdownTimeoutMs({ id, start, shutdownTimeoutMs }: ChildSpec): number {
  const ms = shutdownTimeoutMs ?? (supervisors.has(start as AnyActorLogic) ? Infinity : 5_000)
  return checkNumber(`child ${show(id)}: shutdownTimeoutMs`, ms, { max: Infinity })
}

function toLogic({ id, start }: ChildSpec): AnyActorLogic {
  if (typeof start === 'function') return fromStart(id, start)
  if (typeof start === 'object' && (start as unknown) !== null && typeof start.transition === 'function') {
    return lettingGo(start)
  }
  const got = isObservable(start) ? 'an Observable' : isPromiseLike(start) ? 'a promise' : show(start)
  throw new TypeError(
    `child ${show(id)}: start must be XState logic or a function that gives an Observable or a promise, got ${got}`,
  )
}

function childrenOf(supervisor: AnyActorRef): Partial<Record<string, AnyActorRef>> {
  return (supervisor.getSnapshot() as { readonly children: Partial<Record<string, AnyActorRef>> }).children
}

function srcOf(id: string): string {
  return `child ${id}`
}

function timerOf(id: string): string {
  return `timer of ${id}`
}
