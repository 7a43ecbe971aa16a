import { type Backoff, checkNumber, show } from '../operators/index.ts'
import { RestartIntensityError } from './errors.ts'
import { allowRestart, type RestartIntensity } from './restart-intensity.ts'
import type { Decision, SupervisorEvent } from './supervisor-event.ts'

/**
 * Who is started again with a child that fell: nobody (`'one-for-one'`), all that are listed after it
 * (`'rest-for-one'`), or all (`'one-for-all'`).
 */
export type RestartStrategy = 'one-for-one' | 'rest-for-one' | 'one-for-all'

/**
 * When a child is started again: always (`'permanent'`), when it crashed (`'transient'`), or never, not even with
 * its group (`'temporary'`).
 */
export type RestartPolicy = 'permanent' | 'transient' | 'temporary'

/** What the rules go by. */
export interface SupervisionRules extends RestartIntensity {
  readonly children: readonly { readonly id: string; readonly restart: RestartPolicy }[]
  readonly strategy: RestartStrategy
  /** Which end of the list is started first; the other one is stopped first. */
  readonly startFrom: 'first' | 'last'
  /** Whether each child that is to stop waits until the one before is down. */
  readonly stopping: 'one-by-one' | 'together'
  /** A child that has run this long is healthy again. */
  readonly healthyAfterMs: number
  /** The delay after a child's n-th fall in a row. */
  readonly backoff: Backoff
}

/** What a supervisor remembers of a child. */
interface ChildState {
  readonly id: string
  /**
   * `due`: to be started when its turn comes. `stopping`: told to stop, and not down yet. `down`: to be started when
   * a backoff is over. `ended`: not to be started, but with its group.
   */
  phase: 'due' | 'running' | 'stopping' | 'down' | 'ended'
  /** When it was last started. */
  startedAt: number
  /** Falls in a row, each before it was healthy. */
  failures: number
  /** Whose fall it is started again for. */
  by?: string
}

/** The answer to a fall, until its group is started. */
interface Recovery {
  readonly by: string
  readonly delayMs: number
  /** The last of the group has stopped, and the backoff has begun. */
  readonly waiting: boolean
}

/** All that a supervisor remembers: plain data, which survives JSON. */
export interface SupervisionState {
  /** It keeps its children running; or it stops them, as it was told to; or it stops them because it gave up. */
  readonly aim: 'supervise' | 'stop' | 'give-up'
  readonly children: readonly Readonly<ChildState>[]
  readonly recoveries: readonly Recovery[]
  /** A child has been started, and `proceed` has yet to say that it did not fail at once. */
  readonly starting: boolean
  /** The times of the restarts within the window; none where there is no limit. */
  readonly restarts: readonly number[]
  /** How many restarts there were within the window, or in all where there is no limit. */
  readonly restarted: number
}

/** What a supervisor has to answer. */
export type Happening =
  | { readonly type: 'crashed'; readonly id: string; readonly error: unknown }
  /** A child has ended without an error. */
  | { readonly type: 'ended'; readonly id: string }
  /** A child has been stopped from outside. */
  | { readonly type: 'stopped'; readonly id: string; readonly how: 'stopped' | 'forced' }
  /** The backoff that follows a child's fall, or the time that it has to stop, is over. */
  | { readonly type: 'due'; readonly id: string }
  | { readonly type: 'proceed' }
  | { readonly type: 'stop' }

/** What a supervisor has to do. `stop` asks, `force` does not; a `stopped`, a crash or an end must follow either. */
export type Step =
  /** A `proceed` must follow, after the crash of a child that fails as it is started. */
  | { readonly do: 'start'; readonly id: string }
  | { readonly do: 'stop' | 'force'; readonly id: string }
  /** `due` must follow, unless the child's timer is cancelled. A child has one timer at most. */
  | { readonly do: 'wait'; readonly id: string; readonly ms: number }
  | { readonly do: 'cancel'; readonly id: string }
  | { readonly do: 'tell'; readonly event: SupervisorEvent }
  /** End with this error when all children have ended. */
  | { readonly do: 'give-up'; readonly error: unknown }

/** A supervisor's state before anything has been started; `proceed` begins. */
export function initialSupervision({ children }: SupervisionRules): SupervisionState {
  const due = children.map(({ id }) => ({ id, phase: 'due' as const, startedAt: 0, failures: 0 }))
  return { aim: 'supervise', children: due, recoveries: [], starting: false, restarts: [], restarted: 0 }
}

/** The same by a clock that is `ms` ahead. */
export function movedBy(ms: number, state: SupervisionState): SupervisionState {
  return {
    ...state,
    children: state.children.map((child) => ({ ...child, startedAt: child.startedAt + ms })),
    restarts: state.restarts.map((restart) => restart + ms),
  }
}

/** Whether a supervisor that was told to stop, or gave up, has stopped all of its children. */
export function isOver({ aim, children }: SupervisionState): boolean {
  return aim !== 'supervise' && children.every(({ phase }) => phase === 'ended')
}

/**
 * What a supervisor does next: the rules of OTP as a pure function of what it remembers, what happens and when.
 *
 * - Children are started one by one, each when the one before has not failed as it was started, and stopped in
 *   the reverse order, each when the one before is down or, where the rules say `'together'`, without waiting.
 * - A child that falls and is to be started again counts once, with its whole group. Its group is stopped, the
 *   backoff passes, and the group is started, temporary children left out, children that had ended included.
 * - A fall within a group that is being stopped does not count. A fall outside of it counts as any other; if its own
 *   group holds the other one, it takes its place: the larger group is stopped, and a new backoff begins.
 * - Beyond the intensity all children are stopped, and what falls meanwhile does not count.
 *
 * OTP restarts at once; the backoff is ours. OTP takes a failure of the very first start for the supervisor's own;
 * here it is a crash like any other, because an Observable may fail in its subscription or just after.
 *
 * @param at The time, in milliseconds.
 * @see Erlang/OTP, stdlib: supervisor behaviour
 */
export function supervision(
  rules: SupervisionRules,
  state: SupervisionState,
  happening: Happening,
  at: number,
): { readonly state: SupervisionState; readonly steps: readonly Step[] } {
  const turn = new Turn(rules, state, at)
  turn.take(happening)
  turn.proceed()
  const { aim, children, recoveries, starting, restarts, restarted, steps } = turn
  return { state: { aim, children, recoveries, starting, restarts, restarted }, steps }
}

/** One call of `supervision`: it changes copies of its own. */
class Turn {
  readonly steps: Step[] = []
  readonly children: Readonly<ChildState>[]
  aim: SupervisionState['aim']
  recoveries: readonly Recovery[]
  starting: boolean
  restarts: readonly number[]
  restarted: number
  private readonly rules: SupervisionRules
  private readonly at: number
  private readonly copies = new Set<Readonly<ChildState>>()

  constructor(rules: SupervisionRules, state: SupervisionState, at: number) {
    this.rules = rules
    this.at = at
    this.children = [...state.children]
    this.aim = state.aim
    this.recoveries = state.recoveries
    this.starting = state.starting
    this.restarts = state.restarts
    this.restarted = state.restarted
  }

  take(happening: Happening): void {
    if (happening.type === 'proceed') {
      this.starting = false
      return
    }
    if (happening.type === 'stop') {
      if (this.aim === 'supervise') this.letGo('stop')
      return
    }
    const child = this.children.find(({ id }) => id === happening.id)
    if (child === undefined) return
    if (happening.type === 'due') this.due(child)
    else if (child.phase === 'stopping') this.stopped(child, happening)
    else if (child.phase === 'running' && happening.type !== 'stopped') this.fallen(child, happening)
  }

  /** Does what is next, as far as nobody has to be waited for. */
  proceed(): void {
    const startOrder = this.inStartOrder(this.children)
    if (startOrder.some(({ phase }) => phase === 'stopping')) return
    const covered = this.covered()
    const stopOrder = startOrder.filter((child) => child.phase === 'running' && covered.has(child)).toReversed()
    for (const next of this.rules.stopping === 'together' ? stopOrder : stopOrder.slice(0, 1)) {
      this.own(next).phase = 'stopping'
      this.steps.push({ do: 'stop', id: next.id })
    }
    if (stopOrder.length > 0) return
    for (const { by, delayMs, waiting } of this.recoveries) {
      if (!waiting) this.steps.push({ do: 'wait', id: by, ms: delayMs })
    }
    this.recoveries = this.recoveries.map((recovery) => ({ ...recovery, waiting: true }))
    const first = startOrder.find(({ phase }) => phase === 'due')
    if (first !== undefined && !this.starting) this.start(first)
  }

  private start(due: Readonly<ChildState>): void {
    const child = this.own(due)
    const { id, by } = child
    child.phase = 'running'
    child.startedAt = this.at
    this.starting = true
    delete child.by
    this.steps.push({ do: 'start', id })
    this.tell(by === undefined ? { type: 'started', id } : { type: 'restarted', id, by, restarts: this.restarted })
  }

  private due(child: Readonly<ChildState>): void {
    if (child.phase === 'stopping') {
      this.steps.push({ do: 'force', id: child.id })
      return
    }
    const { id: by } = child
    if (!this.recoveries.some((recovery) => recovery.by === by)) return
    this.recoveries = this.recoveries.filter((recovery) => recovery.by !== by)
    for (const member of this.groupOf(by)) {
      if (member.phase === 'down') Object.assign(this.own(member), { phase: 'due', by })
    }
  }

  private stopped(child: Readonly<ChildState>, happening: Happening & { readonly id: string }): void {
    const { id } = child
    const how = happening.type === 'stopped' ? happening.how : 'stopped'
    this.steps.push({ do: 'cancel', id })
    this.own(child).phase = this.willBeDue(child) ? 'down' : 'ended'
    this.tell({
      type: 'stopped',
      id,
      how,
      ...(happening.type === 'crashed' && { error: happening.error }),
    })
  }

  private fallen(child: Readonly<ChildState>, happening: Happening & { readonly type: 'crashed' | 'ended' }): void {
    const { restart } = this.ruleOf(child)
    const crashed = happening.type === 'crashed'
    if (this.covered().has(child)) {
      this.own(child).phase = this.willBeDue(child) ? 'down' : 'ended'
      this.tellFall(happening, { decision: 'covered' })
    } else if (restart === 'temporary' || (restart === 'transient' && !crashed)) {
      this.own(child).phase = 'ended'
      this.tellFall(happening, { decision: 'leave' })
    } else {
      this.recover(child, happening)
    }
  }

  private recover(fallen: Readonly<ChildState>, happening: Happening & { readonly type: 'crashed' | 'ended' }): void {
    const { maxRestarts, withinMs, healthyAfterMs, backoff } = this.rules
    const child = this.own(fallen)
    const { id } = child
    const cause = happening.type === 'crashed' ? happening.error : undefined
    child.phase = 'down'
    child.failures = this.at - child.startedAt >= healthyAfterMs ? 1 : child.failures + 1
    const { allowed, restarts } = allowRestart(this.restarts, this.at, this.rules)
    this.restarts = restarts
    this.restarted = maxRestarts === Infinity ? this.restarted + 1 : restarts.length
    if (!allowed) {
      const message = `child ${show(id)} ${happening.type} once more after ${maxRestarts} restarts within ${withinMs} ms (maxRestarts, withinMs)`
      this.giveUp(happening, cause, new RestartIntensityError(message, { cause }))
      return
    }
    let delayMs: number
    try {
      delayMs = checkNumber('the delay that backoff gives', backoff(child.failures))
    } catch (error) {
      this.giveUp(happening, cause, error)
      return
    }
    for (const member of this.groupOf(id)) {
      const { phase } = member
      if (phase === 'due' || (phase === 'ended' && this.willBeDue(member))) this.own(member).phase = 'down'
    }
    const group = this.inStartOrder(this.groupOf(id))
    this.forget(this.recoveries.filter(({ by }) => group.some((member) => member.id === by)))
    this.recoveries = [...this.recoveries, { by: id, delayMs, waiting: false }]
    this.tellFall(happening, {
      decision: 'restart',
      delayMs,
      stopping: idsOf(group.filter(isUp)).toReversed(),
      starting: idsOf(group.filter((member) => member.phase === 'down' || (isUp(member) && this.willBeDue(member)))),
    })
  }

  private giveUp(happening: Happening & { readonly type: 'crashed' | 'ended' }, cause: unknown, error: unknown): void {
    const { id } = happening
    this.tellFall(happening, {
      decision: 'escalate',
      stopping: idsOf(this.inStartOrder(this.children).filter(isUp)).toReversed(),
    })
    this.tell({ type: 'escalated', id, error: cause, reason: error, restarts: this.restarted })
    this.steps.push({ do: 'give-up', error })
    this.letGo('give-up')
  }

  /** What may be changed of a child: a copy of its state, made once. The thousands beside it are not copied. */
  private own(child: Readonly<ChildState>): ChildState {
    if (this.copies.has(child)) return child
    const copy = { ...child }
    this.copies.add(copy)
    this.children[this.children.indexOf(child)] = copy
    return copy
  }

  /** Nobody is started any more; who runs is stopped in its turn. */
  private letGo(aim: 'stop' | 'give-up'): void {
    this.aim = aim
    this.forget(this.recoveries)
    for (const child of this.children) if (!isUp(child)) this.own(child).phase = 'ended'
  }

  private forget(recoveries: readonly Recovery[]): void {
    for (const { by, waiting } of recoveries) if (waiting) this.steps.push({ do: 'cancel', id: by })
    this.recoveries = this.recoveries.filter((recovery) => !recoveries.includes(recovery))
  }

  /** Who is to be down: all, or the groups of those that fell. */
  private covered(): ReadonlySet<Readonly<ChildState>> {
    return new Set(this.aim === 'supervise' ? this.recoveries.flatMap(({ by }) => this.groupOf(by)) : this.children)
  }

  /** Whether a child that is covered is started again. */
  private willBeDue(child: Readonly<ChildState>): boolean {
    return this.aim === 'supervise' && this.ruleOf(child).restart !== 'temporary'
  }

  private groupOf(by: string): readonly Readonly<ChildState>[] {
    const { children } = this
    const index = children.findIndex(({ id }) => id === by)
    const { strategy } = this.rules
    if (strategy === 'one-for-all') return children
    return children.slice(index, strategy === 'rest-for-one' ? undefined : index + 1)
  }

  private inStartOrder(children: readonly Readonly<ChildState>[]): readonly Readonly<ChildState>[] {
    return this.rules.startFrom === 'first' ? children : children.toReversed()
  }

  private ruleOf({ id }: Readonly<ChildState>): { readonly restart: RestartPolicy } {
    return this.rules.children.find((rule) => rule.id === id) as { readonly restart: RestartPolicy }
  }

  private tellFall(
    happening: Happening & { readonly type: 'crashed' | 'ended' },
    decision: Partial<Decision> & Pick<Decision, 'decision'>,
  ): void {
    const whole: Decision = { restarts: this.restarted, delayMs: 0, stopping: [], starting: [], ...decision }
    const { id } = happening
    this.tell(
      happening.type === 'crashed'
        ? { type: 'crashed', id, error: happening.error, ...whole }
        : { type: 'stopped', id, how: 'ended', ...whole },
    )
  }

  private tell(event: SupervisorEvent): void {
    this.steps.push({ do: 'tell', event })
  }
}

function isUp({ phase }: Readonly<ChildState>): boolean {
  return phase === 'running' || phase === 'stopping'
}

function idsOf(children: readonly Readonly<ChildState>[]): readonly string[] {
  return children.map(({ id }) => id)
}
