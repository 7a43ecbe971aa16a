import { expect } from 'vitest'
import {
  AlreadyConsumedError,
  CancelledError,
  ChannelClosedError,
  type DrainReport,
  ExpiredError,
  type Failed,
  type Outcome,
  pipeline,
  type Pipeline,
  type PipelineEvent,
  type Reply,
  type Running,
  ShedError,
  StageError,
  type StageOptions,
} from '../../../src/index.ts'
import type { Carrier } from '../../../src/pipeline/carrier.ts'
import type { Carried } from '../../../src/pipeline/stage-context.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'
import type { Arrival, Scenario, StagePlan } from './scenario.ts'
import { act } from './scripted-handler.ts'

const abortGraceMs = 15
const stallTimeoutMs = 30

interface Request {
  readonly id: string
  readonly deadlineMs?: number
  readonly priority?: 'high'
}

/** One request and all that its caller and the test saw of it. */
interface Case {
  readonly arrival: Arrival
  readonly reply: Reply<unknown>
  readonly pastTheDoor: boolean
  readonly chunks: string[]
  /** How the reader's reading ended, in its own view. */
  readonly ends: unknown[]
  readonly told: Outcome<unknown>[]
}

/** What is beneath a running pipeline's face. */
export function insideOf(running: unknown): Carrier {
  return (running as { readonly carrier: Carrier }).carrier
}

/**
 * Plays a scenario to its end in virtual time and checks the pipeline's promises after every millisecond and
 * within every handler.
 *
 * @returns What happened, line by line; the same scenario gives the same lines.
 */
export async function play(scenario: Scenario): Promise<readonly string[]> {
  const game = new Game(scenario)
  await game.play()
  return game.trace
}

class Game {
  readonly trace: string[] = []
  private readonly scenario: Scenario
  private readonly clock = new VirtualClock()
  private readonly running: Running<Request, unknown>
  private readonly cases: Case[] = []
  private readonly outcomes: Outcome<unknown>[] = []
  private crashes = 0
  private drainedByUser = false
  private over = false
  private changed = false

  constructor(scenario: Scenario) {
    this.scenario = scenario
    let definition: Pipeline<Request, unknown, string> = pipeline<Request>('game')
    for (const [index, plan] of scenario.stages.entries()) {
      const mark = String(index)
      definition = definition.stage(
        mark,
        (input: unknown, context) => {
          const { id } = context.request
          this.note(`start ${mark} of ${id} (${context.attempt})`)
          this.check()
          const step = (scenario.arrivals[Number(id)] as Arrival).steps[index]!
          return act(step, index === 0 ? id : input, mark, context)
        },
        this.stageOptions(plan),
      )
    }
    const { admission, streamBuffer, maxRestarts } = scenario
    const { clock } = this
    const supervision = { maxRestarts, backoff: () => 7 }
    let draws = 0
    // The same in every play, and 0 now and then.
    const random = (): number => ((++draws * 0.618) % 1) % 0.9
    this.running = definition.start({
      clock,
      random,
      admission,
      streamBuffer,
      stallTimeoutMs,
      abortGraceMs,
      supervision,
    })
    const unexpected = (error: unknown): void => {
      throw error
    }
    const onOutcome = (outcome: Outcome<unknown>): void => {
      this.outcomes.push(outcome)
      const why = outcome.kind === 'shed' ? ` ${outcome.stage} ${outcome.reason}` : ''
      this.note(`end of ${outcome.id}: ${outcome.kind}${why}`)
      this.checkLedger()
    }
    this.running.outcomes$.subscribe({ next: onOutcome, error: unexpected, complete: () => (this.over = true) })
    const onEvent = (event: PipelineEvent): void => {
      if (event.type === 'crashed') this.crashes += 1
      this.note(`${event.type} ${event.stage}`)
    }
    this.running.events$.subscribe({ next: onEvent, error: unexpected })
  }

  private stageOptions({ weighted, prioritised, overflow, wait, ...same }: StagePlan): StageOptions<unknown, Request> {
    const arrivalOf = ({ id }: Request): Arrival => this.scenario.arrivals[Number(id)] as Arrival
    const priority = (_: unknown, request: Request): number => arrivalOf(request).priority
    return {
      ...same,
      overflow: overflow === 'drop-lowest' ? { drop: 'lowest', priority } : overflow,
      ...(prioritised && overflow !== 'drop-lowest' && { priority }),
      ...(wait !== undefined && overflow !== 'fail' && { wait }),
      ...(weighted && { weight: (_, request) => arrivalOf(request).weight }),
    }
  }

  async play(): Promise<void> {
    const { clock, scenario, running } = this
    for (const [index, arrival] of scenario.arrivals.entries()) {
      clock.setTimeout(() => {
        this.submit(index, arrival)
      }, arrival.atMs)
    }
    for (const change of scenario.changes) {
      clock.setTimeout(() => {
        if (running.state !== 'failed') this.change(change)
      }, change.atMs)
    }
    for (let ms = 0; ms < 90; ms++) await this.step()
    const reports: DrainReport[] = []
    this.drainedByUser = running.state === 'running'
    void running.drain({ timeoutMs: 60 }).then((report) => reports.push(report))
    // A drain that an overflow has begun has more time.
    while (reports.length === 0) await this.step(running.state === 'failed' ? 1000 : 1)
    const report = reports[0]!
    expect(report.inFlight).toBe(report.completed + report.shed + report.failed + report.expired + report.cancelled)
    // The slots of the handlers that do not heed their signal.
    await clock.advance(abortGraceMs + 1)
    this.checkTheEnd()
    await clock.runAll()
    this.checkTheEnd()
    for (const one of this.cases) await this.checkCase(one)
    expect(this.outcomes).toHaveLength(this.cases.length)
  }

  private note(line: string): void {
    this.trace.push(`${this.clock.now()} ${line}`)
  }

  private async step(ms = 1): Promise<void> {
    await this.clock.advance(ms)
    this.check()
    this.checkWorkConserving()
  }

  private change({ stage, capacity, concurrency }: Scenario['changes'][number]): void {
    const name = String(stage % this.scenario.stages.length)
    this.changed = true
    this.running.stage(name).setCapacity(capacity)
    this.check()
    this.running.stage(name).setConcurrency(concurrency)
    this.check()
  }

  // The callers

  private submit(index: number, arrival: Arrival): void {
    const { clock, running, scenario } = this
    const { nodes } = insideOf(running)
    const hasPlaces = nodes.every(
      ({ ahead, channel, settings }) =>
        settings.weighted || ahead + channel.size + channel.running < channel.capacity + channel.concurrency,
    )
    const inTheLobby = (): boolean => nodes.some(({ reserves, pending }) => reserves && pending > 0)
    const hadLobby = inTheLobby()
    const up = running.state === 'running'
    const { deadlineMs, isHigh } = arrival
    const reply = running.submit({
      id: String(index),
      ...(deadlineMs !== undefined && { deadlineMs }),
      ...(isHigh && { priority: 'high' }),
    })
    const first = reply.settled
    // Nobody is told any more what a pipeline refuses that has failed and drained by itself.
    if (this.over && first !== undefined) this.outcomes.push(first)
    // A channel that decides for itself may be down as well.
    const atTheDoor =
      first?.kind === 'shed' && (first.reason === 'door' || (first.reason === 'stage-down' && !hasPlaces))
    // Who waited there has gone first, and it may wait itself.
    if (scenario.admission === 'door' && up && !hadLobby && !inTheLobby()) expect(atTheDoor).toBe(!hasPlaces)
    this.note(`submit ${index}: ${first?.kind ?? 'in'}`)
    const reserved = scenario.admission === 'door' && scenario.stages.every(({ weighted }) => !weighted)
    const pastTheDoor = reserved && up && hasPlaces && !hadLobby
    const one: Case = { arrival, reply, pastTheDoor, chunks: [], ends: [], told: [] }
    this.cases.push(one)
    if (index % 2 === 0) void reply.outcome.then((outcome) => one.told.push(outcome))
    const { cancelAfterMs, reading } = arrival
    if (cancelAfterMs !== undefined) {
      clock.setTimeout(() => {
        reply.cancel('the caller does not want it')
      }, cancelAfterMs)
    }
    if (reading.kind === 'none') return
    const read = (): void => {
      if (reading.kind === 'push') this.push(one)
      else void this.pull(one)
    }
    if (reading.afterMs === 0) read()
    else clock.setTimeout(read, reading.afterMs)
  }

  private push({ arrival, reply, chunks, ends }: Case): void {
    const subscription = reply.output$.subscribe({
      next: (chunk) => {
        chunks.push(String(chunk))
        this.check()
        if (chunks.length >= arrival.reading.stopAfter) queueMicrotask(() => subscription.unsubscribe())
      },
      error: (error: unknown) => ends.push(error),
      complete: () => ends.push('complete'),
    })
    let second: unknown
    reply.output$.subscribe({ error: (error: unknown) => (second = error) })
    expect(second).toBeInstanceOf(AlreadyConsumedError)
  }

  private async pull({ arrival, reply, chunks, ends }: Case): Promise<void> {
    const { stopAfter, paceMs } = arrival.reading
    try {
      for await (const batch of reply.batches()) {
        expect(batch.length).toBeGreaterThan(0)
        for (const chunk of batch) chunks.push(String(chunk))
        if (chunks.length >= stopAfter) return
        if (paceMs > 0) {
          await new Promise<void>((resolve) => {
            this.clock.setTimeout(resolve, paceMs)
          })
        }
      }
      ends.push('complete')
    } catch (error) {
      ends.push(error)
    }
  }

  // The promises

  private get backsOff(): boolean {
    return this.scenario.stages.some(({ wait }) => wait?.backoff !== undefined)
  }

  private get unsettled(): readonly Carried[] {
    return this.cases.map(({ reply }) => reply as unknown as Carried).filter(({ kind }) => kind === undefined)
  }

  private checkLedger(): void {
    const { submitted, completed, shed, failed, expired, cancelled, inFlight } = this.running.ledger()
    expect(submitted).toBe(completed + shed + failed + expired + cancelled + inFlight)
  }

  private check(): void {
    this.checkLedger()
    for (const { channel, ahead, settings, pending } of insideOf(this.running).nodes) {
      const { stats, capacity, concurrency } = channel
      expect(stats.offered).toBe(stats.accepted + stats.rejected + stats.pending)
      const { waiting, running, completed, failed, expired, cancelled, evicted, discarded } = stats
      const sum = waiting + running + completed + failed + expired + cancelled + evicted + discarded
      expect(stats.accepted).toBe(sum)
      expect(waiting).toBeGreaterThanOrEqual(0)
      expect(ahead).toBeGreaterThanOrEqual(0)
      expect(running).toBeGreaterThanOrEqual(0)
      expect(pending).toBeLessThanOrEqual(settings.wait?.max ?? 0)
      if (!this.changed) expect(running).toBeLessThanOrEqual(concurrency)
      // What a crash has put back may exceed the capacity, by as many as ran.
      const crowded = this.crashes > 0 || channel.running === 0
      if (this.changed) continue
      if (!settings.weighted) expect(waiting).toBeLessThanOrEqual(capacity + (crowded ? concurrency : 0))
      else if (!crowded) expect(stats.waitingWeight).toBeLessThanOrEqual(capacity)
    }
  }

  /** What holds between one call and the next. */
  private checkWorkConserving(): void {
    const { unsettled } = this
    const ledger = this.running.ledger()
    expect(ledger.submitted).toBe(this.cases.length)
    expect(ledger.inFlight).toBe(unsettled.length)
    for (const kind of ['completed', 'shed', 'failed', 'expired', 'cancelled'] as const) {
      expect(ledger[kind]).toBe(this.outcomes.filter((outcome) => outcome.kind === kind).length)
    }
    const { nodes } = insideOf(this.running)
    for (const node of nodes) {
      const { index, channel, runner, state, ahead, settings, pending } = node
      const here = unsettled.filter(({ stage }) => stage === index)
      expect(channel.size).toBe(here.filter(({ place }) => place === 'waiting').length)
      expect(channel.running).toBe(runner.runs.size)
      expect(channel.running).toBeGreaterThanOrEqual(here.filter(({ place }) => place === 'running').length)
      if (state === 'running') expect(channel.size === 0 || channel.running >= channel.concurrency).toBe(true)
      const inTheLobby = ({ stage, place }: Carried): boolean =>
        place === 'pending' && (nodes[stage] as (typeof nodes)[number]).reserves
      const onTheWay = unsettled.filter((one) => one.stage < index && one.place !== 'through' && !inTheLobby(one))
      expect(pending).toBe(here.filter(({ place }) => place === 'pending').length)
      if (pending > 0) expect(this.running.state).toBe('running')
      // As soon as there is room, unless they look for it themselves.
      const head = here.find(({ place }) => place === 'pending')
      if (head !== undefined && settings.wait?.backoff === undefined && !settings.weighted) {
        const room = (node: (typeof nodes)[number]): boolean =>
          node.ahead + node.channel.size + node.channel.running < node.channel.capacity + node.channel.concurrency
        const free = node.reserves
          ? nodes.every((other) => !other.reserves || room(other))
          : state === 'running' && room(node)
        if (!this.backsOff) expect(free).toBe(false)
      }
      expect(ahead).toBe(this.scenario.admission === 'door' && !settings.weighted ? onTheWay.length : 0)
    }
  }

  private checkTheEnd(): void {
    const carrier = insideOf(this.running)
    expect(this.running.ledger().inFlight).toBe(0)
    for (const { channel, ahead, runner } of carrier.nodes) {
      expect(channel.stats).toMatchObject({ waiting: 0, running: 0 })
      expect(ahead).toBe(0)
      expect(runner.runs.size).toBe(0)
    }
    expect(carrier.wheel.size).toBe(0)
    expect((carrier as unknown as { readonly live: { readonly size: number } }).live.size).toBe(0)
  }

  /** What the runtime itself says of a failure is true. */
  private checkFailure({ error, stage }: Failed, { weight, priority }: Arrival): void {
    const { weighted, prioritised, overflow } = this.scenario.stages[Number(stage)] as StagePlan
    if (error instanceof ChannelClosedError) {
      expect(overflow).toBe('fail')
      if (!this.drainedByUser) expect(this.running.state).toBe('failed')
    } else if (error instanceof StageError && error.message.includes('could not tell')) {
      const ranked = prioritised || overflow === 'drop-lowest'
      expect((weighted && Number.isNaN(weight)) || (ranked && Number.isNaN(priority))).toBe(true)
    }
  }

  private async checkCase({ arrival, reply, pastTheDoor, chunks, ends, told }: Case): Promise<void> {
    const { id, reading } = { id: reply.id, reading: arrival.reading }
    const outcome = await reply.outcome
    expect(outcome).toBe(reply.settled)
    expect(this.outcomes.filter(({ submissionId }) => submissionId === reply.submissionId)).toEqual([outcome])
    for (const heard of told) expect(heard).toBe(outcome)
    if (pastTheDoor) expect(outcome.kind).not.toBe('shed')
    if (outcome.kind === 'shed' && outcome.reason === 'wait-timeout') {
      const { wait } = this.scenario.stages[Number(outcome.stage)] as StagePlan
      expect(outcome.timings.durationMs).toBeGreaterThanOrEqual(wait?.ms ?? Infinity)
      if (wait?.for === 'high') expect(arrival.isHigh).toBe(true)
    }
    const { durationMs } = outcome.timings
    if (arrival.deadlineMs !== undefined) expect(durationMs).toBeLessThan(arrival.deadlineMs + 1)
    if (outcome.kind === 'expired') {
      const { ttlMs } = this.scenario.stages[Number(outcome.stage)] as StagePlan
      expect(durationMs).toBeGreaterThanOrEqual(outcome.reason === 'ttl' ? ttlMs : (arrival.deadlineMs ?? Infinity))
    }
    if (outcome.kind === 'failed') this.checkFailure(outcome, arrival)
    if (outcome.kind === 'completed') {
      expect(arrival.steps.slice(0, this.scenario.stages.length).map(({ act: does }) => does)).not.toContain('hang')
      if ('value' in outcome) expect(outcome.value).toMatch(new RegExp(`^${id}[.#]`, 'u'))
    }
    // The reader saw the same: its chunks in order, none missing, and one end that fits.
    expect(ends.length).toBeLessThanOrEqual(1)
    if (!(outcome.kind === 'completed' && 'value' in outcome)) {
      expect(chunks.map((chunk) => Number(/#(\d+)[.\d]*$/u.exec(chunk)?.[1]))).toEqual(chunks.map((_, at) => at))
    }
    for (const chunk of chunks) expect(chunk).toMatch(new RegExp(`^${id}[.#]`, 'u'))
    if (reading.kind === 'none') return
    if (chunks.length < reading.stopAfter) expect(ends).toHaveLength(1)
    if (outcome.kind === 'completed' && !('value' in outcome)) expect(chunks).toHaveLength(outcome.chunks)
    for (const end of ends) {
      if (outcome.kind === 'completed') expect(end).toBe('complete')
      else if (outcome.kind === 'shed') expect(end).toBeInstanceOf(ShedError)
      else if (outcome.kind === 'failed') expect(end).toBeInstanceOf(StageError)
      else if (outcome.kind === 'expired') expect(end).toBeInstanceOf(ExpiredError)
      else expect(end).toBeInstanceOf(CancelledError)
    }
  }
}
