import { columns } from './columns.ts'

/** One figure of a report. */
export interface ReportLine {
  readonly name: string
  readonly figure: string
  /** What the figure should be, where something is asked of it. */
  readonly target?: string
  /** Whether it is; absent where nothing is asked. */
  readonly met?: boolean
}

/** What a benchmark found that is no race between contenders. */
export interface Report {
  readonly title: string
  readonly lines: readonly ReportLine[]
}

/** The report for people. */
export function formatReport({ title, lines }: Report): string {
  const rows = lines.map(({ name, figure, target = '', met }) => [
    met === undefined ? '' : met ? 'yes' : 'NO',
    name,
    figure,
    target,
  ])
  return `${title}\n\n${columns([['met', '', 'figure', 'target'], ...rows], ['start', 'start', 'start', 'start'])}`
}
