import type { StageReport } from '../simulation-report.ts'
import type { SweepRow, SweepSetting } from '../sweep.ts'
import { readableCount, readableMs, readableNumber, readableShare } from './readable-figures.ts'
import { stageLabel } from './stage-label.ts'

/** One column of what a sweep found: its title, and how a row reads. */
export type SweepColumn = readonly [title: string, read: (row: SweepRow) => string]

const figures: readonly SweepColumn[] = [
  ['SHED', ({ report }) => readableShare(report.shedRate)],
  ['P50', ({ report: { latency } }) => (latency.count === 0 ? '-' : readableMs(latency.p50Ms))],
  ['P99', ({ report: { latency } }) => (latency.count === 0 ? '-' : readableMs(latency.p99Ms))],
  ['GOODPUT', ({ report }) => `${readableNumber(report.goodputPerSecond)}/s`],
  ['UTIL', ({ report }) => readableShare(bottleneckOf(report).utilisation)],
  ['BOTTLENECK', ({ report }) => stageLabel(report.bottleneck, 30)],
]

/** The limits that were tried, the shed rate, p50 and p99, the goodput, and the bottleneck with its utilisation. */
export function sweepColumns(settings: readonly Omit<SweepSetting, 'values'>[]): readonly SweepColumn[] {
  const limits = settings.map(({ stage, limit }): SweepColumn => [
    `${stageLabel(stage, 30)}.${limit}`,
    ({ tried }) => readableCount(tried[stage]?.[limit] as number),
  ])
  return [...limits, ...figures]
}

/** The stage whose slots were taken for the largest share of their time. */
export function bottleneckOf({ stages, bottleneck }: SweepRow['report']): StageReport {
  return stages.find(({ name }) => name === bottleneck) as StageReport
}
