import { checkText, show } from '../../operators/index.ts'
import type { SimulationReport } from './simulation-report.ts'

/** What of a report a goal may be about. */
export type GoalFigure = 'p50' | 'p90' | 'p99' | 'p999' | 'shed' | 'expired' | 'goodput'

/** One condition of a goal: a latency in milliseconds, a share of the requests, 0 … 1, or requests a second. */
export interface GoalTerm {
  readonly figure: GoalFigure
  readonly relation: '<' | '<=' | '>' | '>='
  readonly limit: number
}

/** What a pipeline is to achieve: all of it. */
export type Goal = readonly GoalTerm[]

const terms = [
  /^(p50|p90|p99|p999)(<=?)(\d+(?:\.\d+)?)(ms|s)$/,
  /^(shed|expired)(<=?)(\d+(?:\.\d+)?)(%)$/,
  /^(goodput)(>=?)(\d+(?:\.\d+)?)(\/s)$/,
] as const
const relations = {
  '<': (value, limit) => value < limit,
  '<=': (value, limit) => value <= limit,
  '>': (value, limit) => value > limit,
  '>=': (value, limit) => value >= limit,
} as const satisfies Readonly<Record<GoalTerm['relation'], (value: number, limit: number) => boolean>>
const perUnit = { ms: 1, s: 1_000, '%': 0.01, '/s': 1 } as const

/**
 * Reads a goal: conditions with white space between them, of the latency of completed requests (`p50`, `p90`, `p99`,
 * `p999`, in `ms` or `s`), of the shares that were `shed` and that `expired` (in `%`), each with `<` or `<=`, and of
 * `goodput`, completed requests a second, with `>` or `>=` (in `/s`).
 *
 * @example
 * ```ts
 * parseGoal('p99<2s shed<0.1% goodput>400/s')
 * ```
 *
 * @throws RangeError or TypeError that names what is wrong and what was expected.
 */
export function parseGoal(text: string): Goal {
  const words = checkText('goal', text).trim().split(/\s+/)
  return words.map(parseTerm)
}

function parseTerm(text: string): GoalTerm {
  const match = terms.map((pattern) => pattern.exec(text)).find((found) => found !== null)
  if (match === undefined) {
    throw new RangeError(
      `goal must be made of conditions such as p99<2s, shed<0.1% or goodput>400/s, got ${show(text)}`,
    )
  }
  const [, figure, relation, number, unit] = match as unknown as readonly [
    string,
    GoalFigure,
    GoalTerm['relation'],
    string,
    keyof typeof perUnit,
  ]
  return { figure, relation, limit: Number(number) * perUnit[unit] }
}

/** Whether a simulation achieved all of a goal. */
export function meetsGoal(report: GoalReport, goal: Goal): boolean {
  return goal.every(({ figure, relation, limit }) => relations[relation](figureOf(report, figure), limit))
}

/** What of a report a goal looks at. */
export type GoalReport = Pick<SimulationReport, 'latency' | 'shedRate' | 'requests' | 'goodputPerSecond'>

/**
 * How far the figures are from their limits: the sum of the logarithms of how many times the limit each is, so that twice
 * too much is as bad for one as for another; 0 where all are within theirs.
 */
export function missedBy(report: GoalReport, goal: Goal): number {
  const misses = goal.map(({ figure, relation, limit }) => {
    const value = figureOf(report, figure)
    const times = relation.startsWith('>') ? limit / value : limit === 0 ? 1 + value : value / limit
    return Math.max(0, Math.log(times))
  })
  return misses.reduce((sum, miss) => sum + miss, 0)
}

function figureOf({ latency, shedRate, requests, goodputPerSecond }: GoalReport, figure: GoalFigure): number {
  switch (figure) {
    case 'shed':
      return shedRate
    case 'expired':
      return requests.submitted === 0 ? 0 : requests.expired / requests.submitted
    case 'goodput':
      return goodputPerSecond
    default:
      // Where nothing is completed nothing is fast.
      return latency.count === 0 ? Infinity : latency[`${figure}Ms`]
  }
}
