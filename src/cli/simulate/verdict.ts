import { type Goal, missedBy } from '../../simulation/goal.ts'
import { readableMs, readableNumber, readableShare } from '../../simulation/report/readable-figures.ts'
import { stageLabel } from '../../simulation/report/stage-label.ts'
import type { StageReport } from '../../simulation/simulation-report.ts'
import { cheapest, type SweepRow } from '../../simulation/sweep.ts'
import { bottleneckOf } from '../../simulation/report/sweep-columns.ts'

/** Whether a goal was met, and what to tell of it. */
export interface Verdict {
  /** The cheapest row that meets the goal; `undefined` where none does. */
  readonly best: SweepRow | undefined
  readonly lines: readonly string[]
}

/**
 * Which row meets a goal at the least cost; where none does, which comes nearest to it, and what its bottleneck would
 * need: at least as many slots as requests come while one is served.
 */
export function verdictOn(rows: readonly SweepRow[], goal: { readonly text: string; readonly terms: Goal }): Verdict {
  const best = cheapest(rows, goal.terms)
  if (best !== undefined) {
    const limits = limitsOf(best)
    return {
      best,
      lines: [limits === '' ? `${goal.text} is met` : `the cheapest that meets ${goal.text} is ${limits}`],
    }
  }
  const nearest = rows.reduce((first, next) =>
    missedBy(next.report, goal.terms) < missedBy(first.report, goal.terms) ? next : first,
  )
  const limits = limitsOf(nearest)
  return {
    best,
    lines: [
      limits === '' ? `${goal.text} is not met` : `none meets ${goal.text}; the nearest is ${limits}`,
      ...whatIsMissing(nearest),
    ],
  }
}

function whatIsMissing({ report }: SweepRow): readonly string[] {
  const { name, utilisation, concurrency, service } = bottleneckOf(report)
  const perSecond = report.submittedPerSecond
  const load = (perSecond * service.meanMs) / 1_000
  // With just as many the line would grow without bounds.
  const least = Math.floor(load) + 1
  const sum = `${readableNumber(perSecond)} requests a second × ${readableMs(service.meanMs)} keep ${load.toFixed(1)} slots busy`
  const bottleneck = `bottleneck: ${stageLabel(name)}, ${readableShare(utilisation)} of its slots' time taken`
  if (concurrency < least) {
    return [bottleneck, `${sum}: it needs a concurrency of at least ${least}, and has ${concurrency}`]
  }
  return [
    bottleneck,
    `${sum}: it has ${concurrency}, which is enough on average`,
    `most time is spent in ${slowest(report.stages)}`,
  ]
}

function slowest(stages: readonly StageReport[]): string {
  const { name, wait, service } = stages.reduce((first, next) => (next.share > first.share ? next : first))
  return `${stageLabel(name)}: wait p99 ${readableMs(wait.p99Ms)}, service p99 ${readableMs(service.p99Ms)}`
}

function limitsOf({ tried }: SweepRow): string {
  const each = Object.entries(tried).flatMap(([stage, limits]) =>
    Object.entries(limits ?? {}).map(([limit, value]) => `${stageLabel(stage)}.${limit}=${value as number}`),
  )
  return each.join(' ')
}
