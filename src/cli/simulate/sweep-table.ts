import { type Goal, meetsGoal } from '../../simulation/goal.ts'
import { widthOf } from '../../simulation/report/stage-label.ts'
import { type SweepColumn, sweepColumns } from '../../simulation/report/sweep-columns.ts'
import type { SweepRow, SweepSetting } from '../../simulation/sweep.ts'

const gap = '  '

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
    ...sweepColumns(settings),
    ...(goal === undefined
      ? []
      : [['GOAL', ({ report }) => (meetsGoal(report, goal) ? 'met' : 'missed')] as SweepColumn]),
  ]
  const cells = [columns.map(([title]) => title), ...rows.map((row) => columns.map(([, read]) => read(row)))]
  const widths = columns.map((_, at) => Math.max(...cells.map((line) => widthOf(line[at] as string))))
  // Names stand at the left, numbers at the right.
  const lastNumber = columns.findIndex(([title]) => title === 'BOTTLENECK') - 1
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
