import { StageCrash } from '../../actors/index.ts'
import type { HandlerContext } from '../handler.ts'
import type { Carrier } from '../pipeline/carrier.ts'
import { insideOf } from '../pipeline/inside-of.ts'
import type { Outcome } from '../pipeline/outcome.ts'
import type { Pipeline } from '../pipeline/pipeline.ts'
import type { Reply } from '../pipeline/reply.ts'
import { nameOfSession } from '../pipeline/session-of.ts'
import type { Carried, Stage } from '../pipeline/stage-context.ts'
import type { DrainReport, PipelineEvent, Running } from '../pipeline/running.ts'
import type { StartOptions } from '../pipeline/start-options.ts'
import { withStages } from '../pipeline/with-stages.ts'
import type { Judge } from './invariants.ts'
import { describeJump } from './operator-scenario.ts'
import { judgeByOwn } from './own-check.ts'
import type { Case } from './pipeline-case.ts'
import { judgePipeline } from './pipeline-judge.ts'
import type { PipelineScenario, PlannedRequest } from './pipeline-scenario.ts'
import { readReply } from './read-reply.ts'
import { actWithFaults } from './stage-faults.ts'
import { StageBooks, type StageBooksHost } from './stage-books.ts'
import { StepClock } from './step-clock.ts'
import { Timeline } from './timeline.ts'
import { ToldRanks } from './told-ranks.ts'

/** What a run of a pipeline's workload needs beside the scenario. */
export interface PipelineRunOptions {
  readonly request: (index: number) => unknown
  readonly start: Omit<StartOptions, 'clock'>
  readonly simulated: boolean
  readonly check: (() => void) | undefined
}

/** Plays one workload of a pipeline in virtual time and holds it to the invariants after every step. */
export class PipelineRun {
  readonly clock: StepClock = new StepClock()
  readonly timeline: Timeline = new Timeline(() => this.clock.now())
  readonly cases: Case[] = []
  private readonly scenario: PipelineScenario
  private readonly options: PipelineRunOptions
  private readonly running: Running<unknown, unknown>
  private readonly inside: Carrier
  /** By stage. */
  private readonly books: readonly StageBooks[]
  private readonly byReply = new Map<unknown, Case>()
  /** Contexts of handlers that have not returned. */
  private readonly active = new Map<HandlerContext, Case>()
  /** Of these, what those are at that the scenario does not make hang. */
  private readonly working = new Map<HandlerContext, string>()
  private current: { readonly id: number; readonly plan: PlannedRequest } | undefined
  private crashed = false
  /** It has stopped: what is still submitted is turned away, and `outcomes$` no longer tells of it. */
  private closed = false
  private report: DrainReport | undefined
  private readonly judge: Judge = (...violation) => {
    this.timeline.fault(...violation)
  }

  constructor(definition: Pipeline<unknown, unknown, string>, scenario: PipelineScenario, options: PipelineRunOptions) {
    const { clock, judge } = this
    this.scenario = scenario
    this.options = options
    const told = definition.topology.stages.map(() => new ToldRanks())
    const faulty = withStages(definition, (stage, index) => {
      const { name, ranking } = stage
      const simulated = (value: unknown): unknown => value
      const work = options.simulated ? simulated : stage.handler
      return {
        ...stage,
        handler: (input, context) => {
          const act = (plan: PlannedRequest): unknown =>
            actWithFaults(plan.steps[index] ?? noStep, work, input, context)
          return this.run(name, index, context, act)
        },
        ranking: ranking && (told[index] as ToldRanks).overhear(ranking),
      }
    })
    let drawn = 1
    // A sequence of its own for each run, the same each time.
    const random = (): number => (drawn = (drawn * 16_807) % 2_147_483_647) / 2_147_483_647
    const deadLetters = { put: () => Promise.resolve('stored' as const) }
    this.running = faulty.start({ random, admission: scenario.admission, deadLetters, ...options.start, clock })
    this.inside = insideOf(this.running)
    const host: StageBooksHost = {
      judge,
      now: () => clock.now(),
      nameOf: (envelope) => `request ${(this.byReply.get(envelope) ?? this.current)?.id ?? -1}`,
      isHeld: (envelope) => this.before(envelope) !== undefined,
    }
    this.books = this.inside.nodes.map((node, index) => new StageBooks(node, told[index] as ToldRanks, host))
    const unexpected = (error: unknown): void => {
      judge('The end', `the pipeline's outcomes or events error: ${String(error)}`, error)
    }
    this.running.outcomes$.subscribe({
      next: (outcome) => {
        this.settled(outcome)
      },
      error: unexpected,
      complete: () => {
        this.closed = true
      },
    })
    this.running.events$.subscribe({
      next: (event) => {
        this.happened(event)
      },
      error: unexpected,
    })
    clock.onStep = (settled) => {
      if (settled) this.rests()
    }
  }

  /** Plays it to its end, or to the first violation, which the timeline then has. */
  async play(): Promise<void> {
    const { clock, scenario, timeline } = this
    clock.setTimeout(() => {
      this.drain()
    }, scenario.drainAtMs)
    for (const [id, plan] of scenario.requests.entries()) {
      if (plan.atMs > clock.now()) await clock.advance(plan.atMs - clock.now())
      if (timeline.violation !== undefined) return
      if (this.closed) break
      const { jump } = plan
      if (jump !== undefined) {
        timeline.note(describeJump(jump))
        if (jump.kind === 'sleep') clock.sleep(jump.byMs)
        else clock.shiftWall(jump.byMs)
      }
      this.submit(id, plan)
    }
    await clock.runAll()
    if (timeline.violation === undefined) this.isOver()
  }

  get outcomes(): readonly string[] {
    return this.cases.map(({ reply }) => reply.settled?.kind ?? 'open')
  }

  private submit(id: number, plan: PlannedRequest): void {
    const { clock, running, inside, judge, timeline } = this
    const isUp = running.state === 'running'
    const request = this.requestOf(id, plan)
    const ofSession = this.liveOf(request).length
    const full = this.fullFor(request)
    // Those who wait at the door go in first, and may take what there is.
    const othersWait = inside.nodes.some((node) => node.reserves && node.pending > 0)
    timeline.note(`request ${id} arrives`)
    this.current = { id, plan }
    const reply = running.submit(request)
    this.current = undefined
    const one = this.caseOf(reply, id, plan, isUp && full === undefined && !othersWait)
    const waits = (reply as unknown as Carried).place === 'pending'
    const first = reply.settled
    const tooMany = isUp && ofSession > (this.options.start.sessions?.maxWaiting ?? 8)
    if (tooMany !== (first?.kind === 'shed' && first.reason === 'rate')) {
      const found = `${ofSession} of its session are on their way`
      judge('Sheds exactly when it must', `request ${id} is ${tooMany ? 'not ' : ''}shed as rate, but ${found}`)
    }
    const atTheDoor = first?.kind === 'shed' && first.reason === 'door'
    if (atTheDoor && full === undefined && !othersWait) {
      judge('Sheds exactly when it must', `request ${id} is shed at the door, but every stage has a place for it`)
    }
    if (isUp && full !== undefined && !waits && first?.kind !== 'shed' && first?.kind !== 'failed') {
      judge('Sheds exactly when it must', `request ${id} is let in, but stage ${full.name} has no place for it`)
    }
    if (plan.cancelAfterMs !== undefined) {
      clock.setTimeout(() => {
        if (reply.settled === undefined) timeline.note(`request ${id} is cancelled by its caller`)
        reply.cancel('the caller of the scenario')
      }, plan.cancelAfterMs)
    }
    readReply(reply, plan, clock, one.ends)
    this.rests()
  }

  private requestOf(id: number, { request, deadlineMs, session }: PlannedRequest): unknown {
    const made = request ?? this.options.request(id)
    if (!isPlain(made)) return made
    const hasSession = session !== undefined && this.isSerial
    return { ...(deadlineMs !== undefined && { deadlineMs }), ...(hasSession && { session }), ...made }
  }

  private get isSerial(): boolean {
    const { sessions } = this.options.start
    return sessions !== undefined && sessions.serial !== false
  }

  /** The stage that has no place for a request at the door, if one has. */
  private fullFor(request: unknown): Stage | undefined {
    const { nodes } = this.inside
    const full = nodes.find((node) => node.reserves && node.full)
    const [first] = nodes
    if (full !== undefined || first?.reserves !== true || this.liveOf(request).length === 0) return full
    // It has to wait there, however many slots are free.
    return first.channel.size >= first.channel.capacity ? first : undefined
  }

  /** The requests of a session that have not ended, in order of submission. */
  private liveOf(request: unknown): readonly Case[] {
    const session = nameOfSession(request)
    if (!this.isSerial || session === undefined) return []
    const live = this.cases.filter(({ reply }) => reply.settled === undefined)
    return live.filter(({ reply }) => nameOfSession((reply as unknown as Carried).request) === session)
  }

  /** The one of its session for which a request has to wait: the first, unless that is itself. */
  private before(envelope: Carried): Case | undefined {
    const [first] = this.liveOf(envelope.request)
    return (first?.reply as unknown) === envelope ? undefined : first
  }

  private drain(): void {
    const { running, timeline, scenario } = this
    timeline.note('the pipeline is drained')
    running.drain({ timeoutMs: scenario.drainTimeoutMs }).then(
      (report) => {
        this.report = report
      },
      (error: unknown) => {
        this.judge('The end', `drain rejects: ${String(error)}`, error)
      },
    )
  }

  private caseOf(reply: unknown, id: number, plan: PlannedRequest, letIn: boolean): Case {
    const known = this.byReply.get(reply)
    const one = known ?? { id, plan, reply: reply as Reply<unknown>, letIn, ends: [] }
    if (known === undefined) {
      this.byReply.set(reply, one)
      this.cases.push(one)
    }
    return one
  }

  // What the pipeline does

  private run(stage: string, index: number, context: HandlerContext, act: (plan: PlannedRequest) => unknown): unknown {
    const { item } = context as unknown as { readonly item: Carried }
    const { current } = this
    // Within submit a handler may be called before there is a reply to know it by.
    const one =
      current === undefined || this.byReply.has(item)
        ? this.byReply.get(item)
        : this.caseOf(item, current.id, current.plan, true)
    if (one === undefined) {
      this.judge('Conservation', `stage ${stage} starts a request that nobody has submitted`)
      return undefined
    }
    this.timeline.note(`${stage} starts request ${one.id}${context.attempt > 1 ? ' again' : ''}`)
    if (item.settled !== undefined) {
      this.judge('Conservation', `stage ${stage} starts request ${one.id}, which has ended already`)
    }
    const before = index === 0 ? this.before(item) : undefined
    if (before !== undefined) {
      const message = `stage ${stage} starts request ${one.id} before request ${before.id} of its session has ended`
      this.judge('Order', message)
    }
    this.books[index]?.starts(item)
    this.active.set(context, one)
    if (one.plan.steps[index]?.fault !== 'hang') {
      this.working.set(context, `stage ${stage} has not returned from request ${one.id}`)
    }
    const returned = (): void => {
      this.active.delete(context)
      this.working.delete(context)
    }
    let result: unknown
    try {
      result = act(one.plan)
    } catch (error) {
      returned()
      if (error instanceof StageCrash) this.crashed = true
      throw error
    }
    if (result instanceof Promise) result.then(returned, returned)
    else returned()
    return result
  }

  private settled(outcome: Outcome<unknown>): void {
    const reply = this.cases.find((one) => one.reply.submissionId === outcome.submissionId)
    const id = reply?.id ?? this.current?.id ?? -1
    const why = outcome.kind === 'shed' ? `is shed at ${outcome.stage} (${outcome.reason})` : ends[outcome.kind]
    this.timeline.note(`request ${id} ${why}`)
    this.outcomesOf(outcome.submissionId).push(outcome)
  }

  private readonly told = new Map<string, Outcome<unknown>[]>()

  /** By the submission's name: it may end before its caller has the reply. */
  private outcomesOf(submissionId: string): Outcome<unknown>[] {
    const outcomes = this.told.get(submissionId) ?? []
    this.told.set(submissionId, outcomes)
    return outcomes
  }

  private happened(event: PipelineEvent): void {
    if (event.type === 'crashed') this.crashed = true
    this.timeline.note(`stage ${event.stage} has ${event.type}`)
  }

  // What is to be true

  private rests(): void {
    const { running, inside, judge, cases, active, told, crashed } = this
    if (this.timeline.violation !== undefined || this.current !== undefined) return
    const books = { ledger: running.ledger(), deadLetters: running.deadLetters() }
    const startable = this.books.map((line) => line.startable)
    judgePipeline({ ...books, inside, cases, told, active, crashed, startable }, judge)
    for (const line of this.books) line.rests()
    judgeByOwn(this.options.check, judge)
  }

  private isOver(): void {
    const { running, inside, judge, cases, report } = this
    // No timer is left, and promises have settled.
    for (const work of this.working.values()) {
      judge('The subject itself', `${work}, which waits for something that is not context.clock, or for ever`)
    }
    this.rests()
    if (report === undefined) judge('The end', 'the drain does not end')
    if (running.state !== 'stopped' && running.state !== 'failed') {
      judge('The end', `the pipeline has been drained, but is ${running.state}`)
    }
    const sessions = inside['sessions']?.size ?? 0
    if (sessions > 0) judge('Unsubscribe', `${sessions} sessions are known after the end`)
    if (inside.wheel.size > 0) judge('Unsubscribe', `${inside.wheel.size} deadlines are watched after the end`)
    for (const { name, channel, ahead } of inside.nodes) {
      if (channel.idle && ahead === 0) continue
      const left = `${channel.size} wait, ${channel.running} run and ${ahead} places are reserved`
      judge('Unsubscribe', `after the end of the pipeline at stage ${name} ${left}`)
    }
    for (const { id, reply, plan, ends: readings } of cases) {
      if (reply.settled === undefined) judge('Conservation', `request ${id} has no outcome after the end`)
      if (plan.reads === 'nothing' || (plan.stopsAfter !== undefined && readings.length === 0)) continue
      const [end] = readings
      if (readings.length !== 1) judge('The end', `the reader of request ${id} is told of ${readings.length} ends`)
      else if ((end === 'complete') !== (reply.settled?.kind === 'completed')) {
        judge('The end', `request ${id} is ${reply.settled?.kind ?? 'open'}, but its reader is told ${String(end)}`)
      }
    }
  }
}

/** What keeps all that it is when it is copied. */
function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

const noStep = { delayMs: 0, fault: undefined } as const

const ends = {
  completed: 'completes',
  failed: 'fails',
  expired: 'expires',
  cancelled: 'is cancelled',
} as const
