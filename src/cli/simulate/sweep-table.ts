import { type Goal, meetsGoal } from '../../simulation/goal.ts'
import { readableCount, readableMs, readableNumber, readableShare } from '../../simulation/report/readable-figures.ts'
import { stageLabel, widthOf } from '../../simulation/report/stage-label.ts'
import type { StageReport } from '../../simulation/simulation-report.ts'
import type { SweepRow, SweepSetting } from '../../simulation/sweep.ts'

const gap = '  '

type Column = readonly [title: string, read: (row: SweepRow) => string]

const figures: readonly Column[] = [
  ['SHED', ({ report }) => readableShare(report.shedRate)],
  ['P50', ({ report: { latency } }) => (latency.count === 0 ? '-' : readableMs(latency.p50Ms))],
  ['P99', ({ report: { latency } }) => (latency.count === 0 ? '-' : readableMs(latency.p99Ms))],
  ['GOODPUT', ({ report }) => `${readableNumber(report.goodputPerSecond)}/s`],
  ['UTIL', ({ report }) => readableShare(bottleneckOf(report).utilisation)],
  ['BOTTLENECK', ({ report }) => stageLabel(report.bottleneck, 30)],
]

/**
 * A table of what limits give: a row for each combination, with the limits that were tried, the shed rate, the latency's
 * p50 and p99, the goodput, and the bottleneck with its utilisation; with a goal, which meet it.
 */
export function sweepTable(
  rows: readonly SweepRow[],
  settings: readonly Omit<SweepSetting, 'values'>[],
  goal?: Goal,
): readonly string[] {
  const columns = [
    ...settings.map(({ stage, limit }): Column => [
      `${stageLabel(stage, 30)}.${limit}`,
      ({ tried }) => readableCount(tried[stage]?.[limit] as number),
    ]),
    ...figures,
    ...(goal === undefined ? [] : [['GOAL', ({ report }) => (meetsGoal(report, goal) ? 'met' : 'missed')] as Column]),
  ]
  const cells = [columns.map(([title]) => title), ...rows.map((row) => columns.map(([, read]) => read(row)))]
  const widths = columns.map((_, at) => Math.max(...cells.map((line) => widthOf(line[at] as string))))
  // Names stand at the left, numbers at the right.
  const lastNumber = settings.length + figures.length - 2
  return cells.map((line) =>
    line
      .map((text, at) => {
        const padding = ' '.repeat((widths[at] as number) - widthOf(text))
        return at <= lastNumber ? padding + text : text + padding
      })
      .join(gap)
      .trimEnd(),
  )
}

/** The stage whose slots were taken for the largest share of their time. */
export function bottleneckOf({ stages, bottleneck }: SweepRow['report']): StageReport {
  return stages.find(({ name }) => name === bottleneck) as StageReport
}
