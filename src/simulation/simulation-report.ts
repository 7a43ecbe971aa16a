import type { ShedReason } from '../../operators/index.ts'
import type { GroupFigures } from './groups.ts'
import type { DurationFigures, DurationPoint } from './durations.ts'

/** What a stage did with the requests that count. */
export interface StageReport {
  readonly name: string
  readonly capacity: number
  readonly concurrency: number
  /** The share of its slots' time that was taken, 0 … 1. */
  readonly utilisation: number
  /** Requests that waited (or units, where the stage weighs them): on average over time, and at the most. */
  readonly depth: { readonly mean: number; readonly max: number }
  /** From arrival to start, of those that started. */
  readonly wait: DurationFigures
  /** For how long a slot was taken. */
  readonly service: DurationFigures
  /** Its share, 0 … 1, of the time that requests spend in all stages, waiting and served; all are 0 where that is none. */
  readonly share: number
  /** Requests that it turned away, by reason. */
  readonly shed: Readonly<Partial<Record<ShedReason, number>>>
  readonly expired: number
  readonly failed: number
}

/** What happened over time, also in the warm-up: a figure for each of the moments in `atMs`. */
export interface SimulationTimeline {
  readonly atMs: readonly number[]
  readonly inFlight: readonly number[]
  readonly stages: readonly {
    readonly name: string
    /** Requests that waited then. */
    readonly depth: readonly number[]
    /** Requests that were shed since the moment before. */
    readonly shed: readonly number[]
  }[]
}

/** What came of a simulation; times are milliseconds of the simulated time. */
export interface SimulationReport {
  readonly pipeline: string
  readonly seed: number
  readonly durationMs: number
  readonly warmupMs: number
  /** How those ended that came within `durationMs`. */
  readonly requests: Readonly<GroupFigures>
  /** The same by the scenario's `group`; absent where it has none. */
  readonly groups?: Readonly<Record<string, Readonly<GroupFigures>>>
  readonly submittedPerSecond: number
  /** Completed requests, which with deadlines means in time. */
  readonly goodputPerSecond: number
  /** The share of the requests that were shed, 0 … 1. */
  readonly shedRate: number
  /** From submission to the end, of completed requests. */
  readonly latency: DurationFigures
  /** The same by share, ascending from 0 to 0.9999, the closer the nearer to 1; empty where none was completed. */
  readonly latencyDistribution: readonly DurationPoint[]
  /** In the pipeline's order. */
  readonly stages: readonly StageReport[]
  /** The stage whose slots were taken for the largest share of their time. */
  readonly bottleneck: string
  readonly timeline: SimulationTimeline
}
