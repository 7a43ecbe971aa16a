import { checkArray, checkInteger, checkKeys, checkOneOf } from '../../operators/index.ts'
import type { Pipeline } from '../pipeline/pipeline.ts'
import { type Goal, meetsGoal } from './goal.ts'
import type { Scenario, StageTrial } from './scenario.ts'
import { simulate, type SimulateOptions } from './simulate.ts'
import type { SimulationReport } from './simulation-report.ts'

/** A limit of a stage, and the values to try it with. */
export interface SweepSetting<Stage extends string = string> {
  readonly stage: Stage
  readonly limit: keyof StageTrial
  /** At least one; a capacity of 0 …, a concurrency of 1 …. */
  readonly values: readonly number[]
}

/** What came of one combination of values. */
export interface SweepRow<Stage extends string = string> {
  /** The limits that were tried. */
  readonly tried: Readonly<Partial<Record<Stage, StageTrial>>>
  readonly report: Omit<SimulationReport, 'timeline'>
}

/** The most combinations that a sweep has. */
const mostRows = 1_000

/**
 * Simulates a pipeline with all combinations of the values that some limits of its stages may have, the last setting
 * changing fastest. All have the same arrivals and service times, those of the scenario's seed, so what differs is due to
 * the limits alone. What the scenario's own `stages` say of other limits holds in all.
 *
 * @example
 * ```ts
 * const rows = await sweep(chat, scenario, [{ stage: 'inference', limit: 'concurrency', values: [8, 16, 32] }])
 * console.log(cheapest(rows, parseGoal('p99<2s shed<0.1%'))?.tried)
 * ```
 *
 * @throws RangeError or TypeError that names the option, its value and what is allowed; a RangeError for more than 1,000
 * combinations, too.
 */
export async function sweep<Request, Output, Stage extends string>(
  definition: Pipeline<Request, Output, Stage>,
  scenario: Scenario<Request, Stage>,
  settings: readonly SweepSetting<Stage>[],
  { signal, onProgress }: SimulateOptions = {},
): Promise<readonly SweepRow<Stage>[]> {
  const names = definition.topology.stages.map(({ name }) => name as Stage)
  checkSettings(settings, names)
  const trials = combinationsOf(settings)
  const rows: SweepRow<Stage>[] = []
  for (const [done, tried] of trials.entries()) {
    const stages = scenario.stages === undefined ? tried : together(scenario.stages, tried)
    const { timeline: _, ...report } = await simulate(
      definition,
      { ...scenario, stages },
      {
        ...(signal !== undefined && { signal }),
        onProgress: (share) => onProgress?.((done + share) / trials.length),
      },
    )
    rows.push({ tried, report })
  }
  return rows
}

/**
 * The row that meets a goal at the least cost: the smallest sum over all stages of concurrency, then of capacity, then
 * the first; `undefined` where none meets it.
 */
export function cheapest<Stage extends string>(
  rows: readonly SweepRow<Stage>[],
  goal: Goal,
): SweepRow<Stage> | undefined {
  const cost = (row: SweepRow, limit: keyof StageTrial): number =>
    row.report.stages.reduce((sum, stage) => sum + stage[limit], 0)
  return rows
    .filter(({ report }) => meetsGoal(report, goal))
    .sort(
      (one, other) =>
        cost(one, 'concurrency') - cost(other, 'concurrency') || cost(one, 'capacity') - cost(other, 'capacity'),
    )[0]
}

function checkSettings(settings: readonly SweepSetting[], names: readonly string[]): void {
  checkArray('settings', settings)
  const seen = new Set<string>()
  for (const [index, setting] of settings.entries()) {
    const of = (key: string): string => `settings[${index}].${key}`
    checkKeys(`settings[${index}]`, setting, ['stage', 'limit', 'values'])
    const { stage, limit, values } = setting
    checkOneOf(of('stage'), stage, names)
    checkOneOf(of('limit'), limit, ['capacity', 'concurrency'])
    checkArray(of('values'), values)
    if (values.length === 0) throw new RangeError(`${of('values')} must not be empty`)
    for (const [at, value] of values.entries()) {
      checkInteger(`${of('values')}[${at}]`, value, { min: limit === 'capacity' ? 0 : 1 })
    }
    const key = JSON.stringify([stage, limit])
    if (seen.has(key)) throw new RangeError(`settings[${index}] must not be ${stage}.${limit} again`)
    seen.add(key)
  }
  const count = settings.reduce((product, { values }) => product * values.length, 1)
  if (count <= mostRows) return
  throw new RangeError(`settings must have at most ${mostRows} combinations together, got ${count}`)
}

type Tried<Stage extends string> = Readonly<Partial<Record<Stage, StageTrial>>>

function combinationsOf<Stage extends string>(settings: readonly SweepSetting<Stage>[]): readonly Tried<Stage>[] {
  let all = [{} as Tried<Stage>]
  for (const { stage, limit, values } of settings) {
    all = all.flatMap((tried) => values.map((value) => ({ ...tried, [stage]: { ...tried[stage], [limit]: value } })))
  }
  return all
}

/** Both, stage by stage; where both have a limit that of `second` holds. */
function together<Stage extends string>(first: Tried<Stage>, second: Tried<Stage>): Tried<Stage> {
  const stages = Object.keys({ ...first, ...second }) as Stage[]
  const entries = stages.map((stage) => [stage, { ...first[stage], ...second[stage] }] as const)
  return Object.fromEntries(entries) as Tried<Stage>
}
