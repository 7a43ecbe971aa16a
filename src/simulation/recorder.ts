import { type Clock, reportUnhandled, type ShedReason } from '../../operators/index.ts'
import type { Outcome, OutcomeKind } from '../pipeline/outcome.ts'
import type { Running } from '../pipeline/running.ts'
import type { Stage } from '../pipeline/stage-context.ts'
import { countUp } from '../pipeline/stage-node.ts'
import { Durations } from './durations.ts'
import { counts, type SimulatedStage, type Window } from './simulated-stage.ts'
import type { SimulationReport, StageReport } from './simulation-report.ts'

/** Moments at which the depths are looked at. */
const moments = 600

/** What is kept of one stage. */
interface StageRecord {
  readonly node: Stage
  readonly work: SimulatedStage
  readonly depth: number[]
  readonly shedAt: number[]
  readonly shed: Map<ShedReason, number>
  maxDepth: number
  shedSince: number
  expired: number
  failed: number
}

/** Watches a simulated pipeline, and reports what it saw. */
export class Recorder {
  private readonly running: Running<unknown, unknown>
  private readonly records: readonly StageRecord[]
  private readonly byName: ReadonlyMap<string, StageRecord>
  private readonly window: Window & { readonly seed: number }
  private readonly ends: Record<OutcomeKind, number> = { completed: 0, shed: 0, failed: 0, expired: 0, cancelled: 0 }
  private readonly latency = new Durations()
  private readonly atMs: number[] = []
  private readonly inFlight: number[] = []

  constructor(
    running: Running<unknown, unknown>,
    nodes: readonly Stage[],
    works: readonly SimulatedStage[],
    window: Window & { readonly seed: number },
  ) {
    this.running = running
    this.window = window
    this.records = nodes.map((node, index) => ({
      node,
      work: works[index] as SimulatedStage,
      depth: [],
      shedAt: [],
      shed: new Map(),
      maxDepth: 0,
      shedSince: 0,
      expired: 0,
      failed: 0,
    }))
    this.byName = new Map(this.records.map((record) => [record.node.name, record]))
    running.outcomes$.subscribe({
      next: (outcome) => {
        this.ended(outcome)
      },
      error: reportUnhandled,
    })
  }

  /** Looks at the depths at regular moments until the end of the window. */
  watch(clock: Clock): void {
    const everyMs = this.window.toMs / moments
    const look = (): void => {
      this.atMs.push(clock.now())
      this.inFlight.push(this.running.ledger().inFlight)
      this.noteDepth(clock.now())
      for (const record of this.records) {
        record.depth.push(record.node.depth)
        record.shedAt.push(record.shedSince)
        record.shedSince = 0
      }
      if (this.atMs.length <= moments) clock.setTimeout(look, this.atMs.length * everyMs - clock.now())
    }
    look()
  }

  /** A request more may wait. */
  noteDepth(now: number): void {
    if (now < this.window.fromMs || now > this.window.toMs) return
    for (const record of this.records) record.maxDepth = Math.max(record.maxDepth, record.node.depth)
  }

  report(): SimulationReport {
    const { ends, latency, records, window } = this
    const { fromMs, toMs, seed } = window
    const durationMs = toMs - fromMs
    const submitted = Object.values(ends).reduce((sum, count) => sum + count, 0)
    const spentMs = records.reduce((sum, { work }) => sum + work.waits.sumMs + work.runs.sumMs, 0)
    const stages = records.map((record) => this.stageReport(record, durationMs, spentMs))
    const busiest = stages.reduce((first, next) => (next.utilisation > first.utilisation ? next : first))
    return {
      pipeline: this.running.name,
      seed,
      durationMs,
      warmupMs: fromMs,
      requests: { submitted, ...ends },
      submittedPerSecond: (submitted / durationMs) * 1_000,
      goodputPerSecond: (ends.completed / durationMs) * 1_000,
      shedRate: submitted === 0 ? 0 : ends.shed / submitted,
      latency: latency.figures,
      latencyDistribution: latency.distribution,
      stages,
      bottleneck: busiest.name,
      timeline: {
        atMs: this.atMs,
        inFlight: this.inFlight,
        stages: records.map(({ node: { name }, depth, shedAt }) => ({ name, depth, shed: shedAt })),
      },
    }
  }

  private stageReport(record: StageRecord, durationMs: number, spentMs: number): StageReport {
    const { node, work, depth, shed, maxDepth, expired, failed } = record
    const { capacity, concurrency } = node.channel
    const counted = depth.filter((_, index) => (this.atMs[index] as number) >= this.window.fromMs)
    return {
      name: node.name,
      capacity,
      concurrency,
      utilisation: work.busyMs / durationMs / concurrency,
      depth: { mean: counted.reduce((sum, each) => sum + each, 0) / Math.max(1, counted.length), max: maxDepth },
      wait: work.waits.figures,
      service: work.runs.figures,
      share: spentMs === 0 ? 0 : (work.waits.sumMs + work.runs.sumMs) / spentMs,
      shed: Object.fromEntries(shed),
      expired,
      failed,
    }
  }

  private ended(outcome: Outcome<unknown>): void {
    const { kind, timings } = outcome
    const record = 'stage' in outcome ? this.byName.get(outcome.stage) : undefined
    if (kind === 'shed' && record !== undefined) record.shedSince += 1
    // The clock's wall stands at 0 when it starts.
    if (!counts(this.window, timings.submittedAt)) return
    this.ends[kind] += 1
    if (kind === 'completed') this.latency.record(timings.durationMs)
    else if (record === undefined) return
    else if (kind === 'shed') countUp(record.shed, outcome.reason)
    else if (kind === 'expired') record.expired += 1
    else record.failed += 1
  }
}
