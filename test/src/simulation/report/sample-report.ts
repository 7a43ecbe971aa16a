import type { DurationFigures } from '../../../../src/simulation/durations.ts'
import type { SimulationReport, StageReport } from '../../../../src/simulation/simulation-report.ts'

/** Figures of durations that go up to a longest one. */
export function figuresUpTo(maxMs: number): DurationFigures {
  return {
    ...{ count: 10, meanMs: maxMs / 3, p50Ms: maxMs / 4, p90Ms: maxMs / 2 },
    ...{ p99Ms: maxMs * 0.9, p999Ms: maxMs * 0.99, maxMs },
  }
}

/** A stage of a report, by default one that is idle. */
export function stageReport(some: Partial<StageReport> & { readonly name: string }): StageReport {
  return {
    ...{ capacity: 8, concurrency: 2, utilisation: 0, depth: { mean: 0, max: 0 }, share: 0 },
    ...{ wait: figuresUpTo(0), service: figuresUpTo(0), shed: {}, expired: 0, failed: 0 },
    ...some,
  }
}

/** A report of stages that are given with what was waiting at each moment. */
export function sampleReport(
  stages: readonly (StageReport & { readonly waiting?: readonly number[] })[],
  some: Partial<SimulationReport> = {},
): SimulationReport {
  const atMs = [0, 1_000, 2_000, 3_000]
  return {
    ...{ pipeline: 'sample', seed: 7, durationMs: 2_500, warmupMs: 500 },
    requests: { submitted: 40, completed: 30, shed: 8, expired: 2, failed: 0, cancelled: 0 },
    ...{ submittedPerSecond: 16, goodputPerSecond: 12, shedRate: 0.2 },
    latency: figuresUpTo(3_400),
    latencyDistribution: [0, 0.5, 0.9, 0.99, 0.9999].map((share) => ({ share, ms: 3_400 * share })),
    stages: stages.map(({ waiting: _, ...stage }) => stage),
    bottleneck: stages[0]?.name ?? '',
    timeline: {
      atMs,
      inFlight: atMs.map(() => 1),
      stages: stages.map(({ name, waiting }) => ({ name, depth: waiting ?? [0, 0, 0, 0], shed: [0, 0, 0, 0] })),
    },
    ...some,
  }
}
