import type { SimulationReport, StageReport } from '../simulation-report.ts'
import { readableCount, readableMs, readableNumber, readableShare } from './readable-figures.ts'
import { stageLabel } from './stage-label.ts'

/** What a figure is called, and the figure as a text. */
export type SummaryLine = readonly [name: string, figure: string]

/** What came of a simulation, in a few lines. */
export function summaryOf(report: SimulationReport): readonly SummaryLine[] {
  const { requests, latency } = report
  const { submitted, ...ends } = requests
  const ended = Object.entries(ends).filter(([, count]) => count > 0)
  const parts = ended.map(([kind, count]) => `${readableCount(count)} ${kind}`).join(', ')
  const busiest = report.stages.find(({ name }) => name === report.bottleneck) as StageReport
  return [
    [
      'Requests',
      `${readableCount(submitted)} (${readableNumber(report.submittedPerSecond)}/s)${parts === '' ? '' : `: ${parts}`}`,
    ],
    ['Shed rate', readableShare(report.shedRate)],
    ['Goodput', `${readableNumber(report.goodputPerSecond)}/s`],
    [
      'Latency',
      latency.count === 0
        ? 'no request was completed'
        : `p50 ${readableMs(latency.p50Ms)}, p99 ${readableMs(latency.p99Ms)}, max ${readableMs(latency.maxMs)}`,
    ],
    [
      'Bottleneck',
      `${stageLabel(report.bottleneck, 60)}, ${readableShare(busiest.utilisation)} of its slots' time taken`,
    ],
  ]
}

/** What was simulated. */
export function scenarioOf({ pipeline, seed, durationMs, warmupMs }: SimulationReport): readonly SummaryLine[] {
  const exact = (ms: number): string => `${readableMs(ms)} (${ms.toLocaleString('en-US')} ms)`
  return [
    ['Pipeline', stageLabel(pipeline, 60)],
    ['Seed', String(seed)],
    ['Duration', exact(durationMs)],
    ['Warm-up', warmupMs === 0 ? 'none' : exact(warmupMs)],
  ]
}
