import { pipeline, type StageOptions } from '../../src/index.ts'
import { simulate } from '../../src/testing/index.ts'
import type { Report, ReportLine } from './report.ts'

interface Request {
  readonly deadlineMs?: number
}

const slots = 16
/** What a model may look like: 0.93 s on average, and now and then four. */
const service = { kind: 'log-normal', medianMs: 700, p99Ms: 4_000 } as const
const meanMs = 926.8
const perSecond = (slots * 1_000) / meanMs
const deadlineMs = 5_000

/** A policy by its name, and whether the report asks something of it. */
const strategies: Readonly<Record<string, Partial<StageOptions<Request, Request>>>> = {
  'drop-newest': {},
  'drop-oldest': { overflow: 'drop-oldest' },
  codel: { overload: { kind: 'codel', targetMs: 500 } },
  dagor: { overload: { kind: 'dagor', targetMs: 500 } },
  deadline: { overload: { kind: 'deadline' } },
}

/** What is completed in time at twice the capacity for ten minutes, by what sheds. */
export async function overload(): Promise<Report> {
  const lines: ReportLine[] = []
  for (const [name, options] of Object.entries(strategies)) {
    const definition = pipeline<Request>('chat')
      .stage('rag', (request) => request, { capacity: 512, concurrency: 32 })
      .stage('inference', (request) => request, { capacity: 512, concurrency: slots, ...options })
    const { requests, goodputPerSecond, latency } = await simulate(definition, {
      arrivals: { kind: 'poisson', perSecond: 2 * perSecond },
      service: { rag: 10, inference: service },
      ...{ deadlineMs, durationMs: 600_000, start: { admission: 'stage' } },
    })
    const share = goodputPerSecond / perSecond
    const { completed, shed, expired } = requests
    const ends = `${completed} in time, ${shed} shed, ${expired} too late`
    const figure = `${(share * 100).toFixed(1)} %: ${ends}; p50 ${latency.p50Ms.toFixed(0)} ms, p99 ${latency.p99Ms.toFixed(0)} ms`
    const isPlain = !('overload' in options)
    lines.push(isPlain ? { name, figure } : { name, figure, target: 'at least 90 %', met: share >= 0.9 })
  }
  return {
    title: `Completed within ${deadlineMs} ms, of what could be, at twice the capacity for ten minutes`,
    lines,
  }
}
