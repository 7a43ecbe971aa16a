import { type ObservableInput, Subject, Subscriber } from 'rxjs'
import { type ChannelLimits, checkFunction, OverflowError } from '../../operators/index.ts'
import { type Found, beforeArrival, judgeArrival } from './arrival-judge.ts'
import { CountingClock } from './counting-clock.ts'
import type { Judge } from './invariants.ts'
import { OperatorBooks } from './operator-books.ts'
import { describeJump, type OperatorScenario, type PlannedItem } from './operator-scenario.ts'
import type { Item, OperatorSubject } from './operator-subject.ts'
import { judgeByOwn } from './own-check.ts'
import { planWork } from './planned-work.ts'
import { StepClock } from './step-clock.ts'
import { Timeline } from './timeline.ts'

/** One value that an item's project gave. */
interface Output {
  readonly item: Item
  readonly part: number
}

/** Plays one workload of an operator in virtual time and holds it to the invariants after every step. */
export class OperatorRun {
  readonly clock: StepClock = new StepClock()
  readonly timeline: Timeline = new Timeline(() => this.clock.now())
  readonly books: OperatorBooks
  private readonly scenario: OperatorScenario
  private readonly check: (() => void) | undefined
  private readonly source$ = new Subject<Item>()
  private readonly limits$ = new Subject<ChannelLimits>()
  private readonly probe: Probe
  private readonly judge: Judge = (...violation) => {
    this.timeline.fault(...violation)
  }
  private readonly signals = new Map<Item, AbortSignal | undefined>()
  private readonly given = new Map<Item, number>()
  private readonly endings: unknown[] = []
  private readonly sourceError = new Error('the source of the scenario')
  private next = 0
  /** The item that arrives within the first output of an item. */
  private readonly followers = new Map<Item, number>()
  private depth = 0
  private leaving = false
  private sourceEnd: 'completes' | 'errors' | undefined
  private subscriptions = 0
  private readonly workClock = new CountingClock(this.clock)
  /** By lane. */
  private readonly newestOutput = new Map<unknown, number>()

  constructor(subject: OperatorSubject, scenario: OperatorScenario, check: (() => void) | undefined) {
    const { clock, judge, source$, limits$, timeline } = this
    this.scenario = scenario
    this.check = check
    this.books = new OperatorBooks(scenario.limits, () => clock.now(), judge)
    clock.onStep = (settled) => {
      this.rests(settled)
    }
    this.probe = new Probe(this)
    const operator$ = subject.create({
      project: (item, index, context) => this.work(item, index, context?.signal),
      limits: scenario.limits,
      clock,
      onOutcome: (outcome) => {
        const { kind, reason, value } = outcome
        timeline.note(`item ${value.id} ${kind === 'shed' ? `is shed (${reason ?? 'no reason'})` : ends[kind]}`)
        this.books.ends(outcome)
      },
      limits$,
    })
    source$.pipe(checkFunction('what operator(…) makes', operator$)).subscribe(this.probe)
  }

  /** Plays it to its end, or to the first violation, which the timeline then has. */
  async play(): Promise<void> {
    const { scenario, clock, timeline, books } = this
    for (const [id, plan] of scenario.items.entries()) {
      // Items of one moment arrive in one turn of the event loop, before promises settle.
      // It may be later than that already: the machine has slept, or the item has come within an output.
      if (plan.atMs > clock.now()) await clock.advance(plan.atMs - clock.now())
      if (this.over) break
      if (this.next <= id) this.bring(id)
    }
    const { kind, afterMs } = scenario.ending
    if (afterMs > 0 && !this.over) await clock.advance(afterMs)
    if (timeline.violation !== undefined) return
    if (!this.over) this.end(kind)
    await this.finish()
    this.isMetamorphic(books)
  }

  get outcomes(): readonly string[] {
    return [...this.books.outcomes.values()].map(({ kind }) => kind)
  }

  /** Something is wrong, or nobody listens any more. */
  private get over(): boolean {
    return this.timeline.violation !== undefined || this.endings.length > 0 || this.probe.closed
  }

  /** Limits change only where somebody listens; `keyed` has no such thing. */
  private get mayChange(): boolean {
    return this.limits$.observed && this.scenario.limits.key === undefined
  }

  /** Nothing runs beside another of its lane, so that the outputs of a lane are in order. */
  private get runsOneByOne(): boolean {
    const { concurrency, perKeyConcurrency } = this.books
    return Math.min(concurrency, perKeyConcurrency) === 1
  }

  // What happens to the operator

  private bring(id: number): void {
    const { books, source$, timeline, clock, scenario } = this
    const plan = scenario.items[id] as PlannedItem
    const { change, jump, ...rest } = plan
    this.next = id + 1
    if (jump !== undefined && this.depth === 0) {
      timeline.note(describeJump(jump))
      if (jump.kind === 'sleep') clock.sleep(jump.byMs)
      else clock.shiftWall(jump.byMs)
    }
    if (change !== undefined && this.mayChange && this.depth === 0) {
      timeline.note(`the limits change to ${JSON.stringify(change)}`)
      books.changes(change)
      this.call(() => {
        this.limits$.next(change)
      })
      if (this.over) return
    }
    const item: Item = { id, priority: rest.priority, weight: rest.weight, key: rest.key }
    if (scenario.items[id + 1]?.reentrant === true) this.followers.set(item, id + 1)
    const found: Found = beforeArrival(item, books)
    const within = this.depth > 0
    timeline.note(`item ${id} arrives${within ? ', within an output' : ''}`)
    books.arrives(item)
    this.call(() => {
      source$.next(item)
      const overflowed = this.endings[0] instanceof OverflowError
      judgeArrival(item, found, books, scenario.limits, this.judge, within, overflowed)
    })
  }

  /** A call from outside: when the outermost returns, everything must be at rest. */
  private call(fn: () => void): void {
    this.depth += 1
    try {
      fn()
    } catch (error) {
      this.judge('The subject itself', `a call into the operator throws ${String(error)}`, error)
    }
    this.depth -= 1
    if (this.depth === 0) this.rests(false)
  }

  private end(kind: OperatorScenario['ending']['kind']): void {
    if (kind === 'unsubscribes') {
      this.unsubscribe()
      return
    }
    if (kind === 'leaves') {
      this.leaving = true
      return
    }
    this.timeline.note(`the source ${kind}`)
    this.sourceEnd = kind
    if (kind === 'errors' && this.scenario.limits.onSourceError === 'immediate') this.books.stopped = true
    this.call(() => {
      if (kind === 'completes') this.source$.complete()
      else this.source$.error(this.sourceError)
    })
  }

  private unsubscribe(): void {
    this.timeline.note('the output is unsubscribed')
    this.books.stopped = true
    this.call(() => {
      this.probe.unsubscribe()
    })
  }

  // What the operator does

  private work(item: Item, index: number | undefined, signal: AbortSignal | undefined): ObservableInput<Output> {
    const { books, timeline } = this
    timeline.note(`item ${item.id} starts`)
    if (index !== undefined && index !== books.startedAt.size) {
      this.judge('Order', `item ${item.id} is started as number ${index}, but is number ${books.startedAt.size}`)
    }
    this.signals.set(item, signal)
    books.starts(item)
    const plan = this.scenario.items[item.id] as PlannedItem
    const outputs = Array.from({ length: plan.gives === 'promise' ? 1 : plan.outputs }, (_, part) => ({ item, part }))
    return planWork<Output>(
      outputs,
      plan,
      {
        clock: this.workClock,
        ended: (end) => {
          if (!books.outcomes.has(item)) books.workEnds.set(item, end)
        },
        subscribed: (change) => {
          this.subscriptions += change
        },
      },
      signal,
    )
  }

  /** The operator has given something. */
  output(value: unknown): void {
    const { item, part } = value as Output
    const { timeline, judge, given, books } = this
    timeline.note(`item ${item.id} gives its value ${part}`)
    const expected = given.get(item) ?? 0
    if (part !== expected) judge('Order', `item ${item.id} gives its value ${part}, but value ${expected} is next`)
    if (books.outcomes.has(item)) judge('Conservation', `item ${item.id} gives a value after its outcome was told`)
    given.set(item, part + 1)
    const alone = this.runsOneByOne && !this.mayChange && books.priorityOf(item) === 0
    const lane = books.laneOf(item)
    const newest = this.newestOutput.get(lane) ?? -1
    if (alone && item.id < newest) {
      const where = lane === undefined ? 'with concurrency 1' : `of the same key ${books.keyOf(item)}, one at a time`
      judge('Order', `item ${item.id} gives a value after item ${newest}, ${where}`)
    }
    this.newestOutput.set(lane, Math.max(newest, item.id))
    // The operator is in the middle of a call, whoever made it, and need not be at rest.
    this.depth += 1
    const follower = this.followers.get(item)
    if (this.leaving) {
      this.leaving = false
      this.unsubscribe()
    } else if (follower !== undefined && this.next === follower && !this.over) {
      this.followers.delete(item)
      this.bring(follower)
    }
    this.depth -= 1
  }

  /** The operator has given something to nobody. */
  outputAfterTheEnd(value: unknown): void {
    const { item } = value as Output
    this.timeline.note(`item ${item.id} gives a value`)
    if (this.endings.length > 0) this.judge('The end', `item ${item.id} gives a value after the output has ended`)
    else this.judge('Unsubscribe', `item ${item.id} gives a value after the output was unsubscribed`)
  }

  /** The output has ended by itself. */
  ended(ending: unknown): void {
    const { books, judge, timeline, sourceEnd } = this
    timeline.note(ending === 'complete' ? 'the output completes' : `the output errors: ${String(ending)}`)
    this.endings.push(ending)
    if (this.endings.length > 1) judge('The end', 'the output ends a second time')
    const immediate = this.scenario.limits.onSourceError === 'immediate'
    if (ending === 'complete' || (ending === this.sourceError && !immediate)) {
      if (sourceEnd === undefined) judge('The end', 'the output completes before its source has')
      const [left] = books.unfinished
      if (left !== undefined) judge('The end', `the output ends before item ${left.id} has: ${books.figures}`)
    } else if (ending !== this.sourceError && this.scenario.limits.overflow !== 'fail') {
      judge('The end', 'the output errors, but nothing has happened that may end it', ending)
    }
    books.stopped = true
  }

  // What is to be true

  private rests(settled: boolean): void {
    const { books, judge, timeline } = this
    if (timeline.violation !== undefined || this.depth > 0) return
    books.rests(settled)
    if (this.sourceEnd !== undefined && books.idle && this.endings.length === 0 && !this.probe.closed) {
      judge('The end', `the source ${this.sourceEnd} and nothing is left, but the output does not end`)
    }
    if (this.probe.closed) this.nothingIsLeft()
    judgeByOwn(this.check, judge)
  }

  private nothingIsLeft(): void {
    const { books, judge, clock, source$, limits$ } = this
    const [left] = books.unfinished
    if (left !== undefined) judge('Unsubscribe', `item ${left.id} is left without an outcome: ${books.figures}`)
    const timers = clock.pending - this.workClock.pending
    if (timers > 0) judge('Unsubscribe', `${timers} ${timers === 1 ? 'timer is' : 'timers are'} left after the end`)
    if (source$.observed) judge('Unsubscribe', 'the source is still subscribed after the end')
    if (limits$.observed) judge('Unsubscribe', 'limits$ is still subscribed after the end')
    if (this.subscriptions > 0) judge('Unsubscribe', 'what an item does is still subscribed after the end')
    for (const [item, signal] of this.signals) {
      const { kind } = books.outcomes.get(item) ?? {}
      if (signal === undefined || kind === undefined || signal.aborted === (kind === 'discarded')) continue
      if (signal.aborted) judge('Conservation', `item ${item.id} is told to be ${kind}, but its signal is aborted`)
      else judge('Unsubscribe', `item ${item.id} is discarded, but its signal is not aborted`)
    }
  }

  private async finish(): Promise<void> {
    await this.clock.runAll()
    // What never ends is put an end to.
    if (!this.over) this.unsubscribe()
    await this.clock.runAll()
    this.rests(true)
    const { books, judge, scenario } = this
    for (const [item, { kind }] of books.outcomes) {
      const { gives, outputs, fault } = scenario.items[item.id] as PlannedItem
      const all = gives === 'promise' ? Number(fault === undefined) : outputs
      const given = this.given.get(item) ?? 0
      if (kind === 'completed' && given !== all) {
        judge('Conservation', `item ${item.id} is completed, but ${given} of its ${all} values came out`)
      }
    }
  }

  private isMetamorphic(books: OperatorBooks): void {
    const { limits, items } = this.scenario
    const roomy = limits.ttlMs === undefined && limits.priority === undefined && typeof limits.overflow !== 'object'
    if (!roomy || items.some(({ change }) => change !== undefined)) return
    const all = [...books.arrivedAt.keys()]
    const shed = all.find((item) => books.outcomes.get(item)?.kind === 'shed')
    const fit = books.weigh(all) <= limits.capacity
    if (shed !== undefined && fit && all.every((item) => books.ofLane(item, all).length <= books.perKeyCapacity)) {
      this.judge('Metamorphic', `item ${shed.id} is shed, although there is room for all`)
    }
  }
}

const ends = {
  completed: 'completes',
  failed: 'fails',
  expired: 'expires',
  discarded: 'is discarded',
} as const

/** The subscriber, which hears also what it should not: nothing of that would reach an observer. */
// eslint-disable-next-line rxjs-x/no-subclass
class Probe extends Subscriber<unknown> {
  private readonly run: OperatorRun

  constructor(run: OperatorRun) {
    // The constructor is deprecated in favour of what only RxJS 8 has.
    // eslint-disable-next-line @typescript-eslint/no-deprecated
    super()
    this.run = run
  }

  override next(value?: unknown): void {
    if (this.closed) this.run.outputAfterTheEnd(value)
    else this.run.output(value)
  }

  override error(error?: unknown): void {
    if (!this.closed) this.run.ended(error)
    super.unsubscribe()
  }

  override complete(): void {
    if (!this.closed) this.run.ended('complete')
    super.unsubscribe()
  }
}
