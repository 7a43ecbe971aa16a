import type { SimulationReport } from '../simulation-report.ts'
import { summaryOf } from './simulation-summary.ts'
import { lossesOf, stageColumns } from './stage-columns.ts'
import { stageLabel, widthOf } from './stage-label.ts'

const width = 120
const gap = '  '
/** What a name keeps when there is no room. */
const narrowestName = 4

/**
 * A simulation's report as a table for a terminal: the summary, and a row for each stage with its capacity, concurrency,
 * utilisation, depth (mean and greatest), wait and service (p50 and p99 of each), share of the latency, and what it lost
 * (shed by reason, expired, failed). Lines are at most 120 columns wide, and names that are too long are cut; the last
 * line ends without a line feed.
 *
 * @example
 * ```ts
 * console.log(simulationTable(await simulate(definition, scenario)))
 * // Requests    1,015 (102/s): 763 completed, 252 shed
 * // Shed rate   24.8%
 * // Goodput     76/s
 * // Latency     p50 38 ms, p99 119 ms, max 144 ms
 * // Bottleneck  work, 91.8% of its slots' time taken
 * //
 * // STAGE  CAP  CONC   UTIL  DEPTH  MAX  WAIT P50    P99  SERVICE P50    P99  SHARE  LOST
 * // parse   16     4   5.7%      0    0      0 ms   0 ms         3 ms   3 ms   7.1%
 * // work     4     1  91.8%    2.1    4     22 ms  95 ms       9.1 ms  49 ms  92.9%  door 252
 * ```
 */
export function simulationTable(report: SimulationReport): string {
  const summary = summaryOf(report)
  const nameWidth = Math.max(...summary.map(([name]) => name.length))
  const lines = summary.map(([name, figure]) => name.padEnd(nameWidth) + gap + figure)
  return [...lines, '', ...stageRows(report)].join('\n')
}

function stageRows({ stages }: SimulationReport): readonly string[] {
  const rows = [
    stageColumns.map(({ short }) => short),
    ...stages.map((stage) => stageColumns.map(({ read }) => read(stage))),
  ]
  const losses = stages.map(lossesOf)
  const widths = stageColumns.map((_, at) => Math.max(...rows.map((row) => (row[at] as string).length)))
  const figures = rows.map((row) => row.map((text, at) => gap + text.padStart(widths[at] as number)).join(''))
  const figuresWidth = (figures[0] as string).length + gap.length
  const widestLoss = Math.max('LOST'.length, ...losses.flat().map((loss) => loss.length))
  const room = Math.max(narrowestName, width - figuresWidth - widestLoss)
  const labels = ['STAGE', ...stages.map(({ name }) => stageLabel(name, room))]
  const labelWidth = Math.max(...labels.map((label) => widthOf(label)))
  const left = labelWidth + figuresWidth
  return labels.flatMap((label, at) => {
    const [first = '', ...others] = at === 0 ? ['LOST'] : wrapped(losses[at - 1] as readonly string[], width - left)
    const padding = ' '.repeat(labelWidth - widthOf(label))
    const row = label + padding + (figures[at] as string) + gap + first
    return [row.trimEnd(), ...others.map((line) => ' '.repeat(left) + line)]
  })
}

/** Texts in as few lines as they need. */
function wrapped(texts: readonly string[], room: number): readonly string[] {
  const lines: string[] = []
  for (const text of texts) {
    const longer = lines.length === 0 ? text : `${lines.at(-1) as string}, ${text}`
    if (lines.length > 0 && longer.length <= room) lines[lines.length - 1] = longer
    else lines.push(text)
  }
  return lines
}
