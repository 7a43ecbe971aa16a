import type { StageReport } from '../simulation-report.ts'
import { readableCount, readableMs, readableNumber, readableShare } from './readable-figures.ts'

/** A figure of each stage. */
export interface StageColumn {
  readonly title: string
  /** Where there is little room. */
  readonly short: string
  readonly read: (stage: StageReport) => string
}

/** The figures of a stage that are one number each. */
export const stageColumns: readonly StageColumn[] = [
  { title: 'Capacity', short: 'CAP', read: ({ capacity }) => readableCount(capacity) },
  { title: 'Concurrency', short: 'CONC', read: ({ concurrency }) => readableCount(concurrency) },
  { title: 'Utilisation', short: 'UTIL', read: ({ utilisation }) => readableShare(utilisation) },
  { title: 'Depth, mean', short: 'DEPTH', read: ({ depth }) => readableNumber(depth.mean) },
  { title: 'Depth, greatest', short: 'MAX', read: ({ depth }) => readableNumber(depth.max) },
  { title: 'Wait, p50', short: 'WAIT P50', read: ({ wait }) => readableMs(wait.p50Ms) },
  { title: 'Wait, p99', short: 'P99', read: ({ wait }) => readableMs(wait.p99Ms) },
  { title: 'Service, p50', short: 'SERVICE P50', read: ({ service }) => readableMs(service.p50Ms) },
  { title: 'Service, p99', short: 'P99', read: ({ service }) => readableMs(service.p99Ms) },
  { title: 'Share of latency', short: 'SHARE', read: ({ share }) => readableShare(share) },
]

/** What a stage lost, each kind with its number: shed by reason, expired, failed. */
export function lossesOf({ shed, expired, failed }: StageReport): readonly string[] {
  return Object.entries({ ...shed, expired, failed })
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => `${kind} ${readableCount(count)}`)
}
