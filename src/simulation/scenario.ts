import { checkFunction, checkInteger, checkKeys, checkNumber, show } from '../../operators/index.ts'
import type { StartOptions } from '../pipeline/start-options.ts'
import type { Arrivals } from './arrivals.ts'
import type { Distribution } from './distribution.ts'

/**
 * How long a stage's slot is taken by one run. A `Distribution` is a handler that gives a value in the end; with
 * `firstChunk` and `rest` it gives a stream at once, whose first chunk comes after the one and whose end comes after the
 * other besides.
 */
export type ServiceTime = Distribution | { readonly firstChunk: Distribution; readonly rest: Distribution }

/** What of a stage's options a simulation may try otherwise. */
export interface StageTrial {
  /** Requests (or, where the stage weighs them, units) that may wait, 0 …. */
  readonly capacity?: number
  /** Handlers that may run at once, 1 …. */
  readonly concurrency?: number
}

/** What comes to a pipeline, and how long its stages take. */
export interface Scenario<Request = unknown, Stage extends string = string> {
  /** When requests come. */
  readonly arrivals: Arrivals
  /** How long each stage takes. A stage that is given a stream passes it on after that time, so mostly 0. */
  readonly service: Readonly<Record<Stage, ServiceTime>>
  /** How long requests come that are counted, in milliseconds, more than 0. What they then have begun is finished. */
  readonly durationMs: number
  /** How long requests come before that, which are not counted; default 0. */
  readonly warmupMs?: number
  /** A whole number; the same seed gives the same figures. Default 1. */
  readonly seed?: number
  /** Each request's `deadlineMs`; default none. Not with `request`, which makes the whole request. */
  readonly deadlineMs?: Distribution
  /**
   * Makes the request that comes as the `index`th, from 0; default an empty one, `{}`. It is also what each stage is
   * given, so `weight` and `priority` of the pipeline's stages get it as their value.
   */
  readonly request?: (index: number) => Request
  /** The group of a request, such as its tenant, whose ends the report counts apart; default none. */
  readonly group?: (request: Request) => string
  /** Stages that are to be tried with other limits; default as they are defined. */
  readonly stages?: Readonly<Partial<Record<Stage, StageTrial>>>
  /** How the pipeline is started. */
  readonly start?: Pick<StartOptions, 'admission' | 'scale' | 'abortGraceMs' | 'stallTimeoutMs' | 'supervision'>
}

const known = [
  'arrivals',
  'service',
  'durationMs',
  'warmupMs',
  'seed',
  'deadlineMs',
  'request',
  'group',
  'stages',
  'start',
] as const satisfies readonly (keyof Scenario)[]

/**
 * Checks all of a scenario but what is checked by who uses it: arrivals, distributions, the options of `start`.
 *
 * @throws RangeError or TypeError that names the option, its value and what is allowed.
 */
export function checkScenario(
  scenario: Scenario,
  names: readonly string[],
): Required<Pick<Scenario, 'durationMs' | 'warmupMs' | 'seed' | 'stages'>> {
  checkKeys('simulate', scenario, known)
  const { durationMs, warmupMs = 0, seed = 1, stages = {}, request, group, deadlineMs } = scenario
  checkStageNames('service', scenario.service, names)
  for (const name of names) {
    if (!Object.hasOwn(scenario.service, name)) {
      throw new TypeError(`service.${name} must be a number of milliseconds or a distribution, got undefined`)
    }
  }
  checkStageNames('stages', stages, names)
  for (const [name, trial] of Object.entries(stages)) {
    checkKeys(`stages.${name}`, trial, ['capacity', 'concurrency'])
    const { capacity, concurrency } = trial as StageTrial
    if (capacity !== undefined) checkInteger(`stages.${name}.capacity`, capacity)
    if (concurrency !== undefined) checkInteger(`stages.${name}.concurrency`, concurrency, { min: 1 })
  }
  if (request !== undefined) checkFunction('request', request)
  if (group !== undefined) checkFunction('group', group)
  if (request !== undefined && deadlineMs !== undefined) {
    throw new TypeError('deadlineMs must not be given beside request, which makes the whole request')
  }
  return {
    durationMs: checkNumber('durationMs', durationMs, { min: Number.MIN_VALUE }),
    warmupMs: checkNumber('warmupMs', warmupMs),
    seed: checkInteger('seed', seed, { min: -(2 ** 31), max: 2 ** 32 - 1 }),
    stages,
  }
}

function checkStageNames(option: string, byStage: unknown, names: readonly string[]): void {
  if (typeof byStage !== 'object' || byStage === null) {
    throw new TypeError(`${option} must be an object with a key for each stage, got ${show(byStage)}`)
  }
  const stranger = Object.keys(byStage).find((name) => !names.includes(name))
  if (stranger === undefined) return
  const expected = names.map((name) => JSON.stringify(name)).join(', ')
  throw new RangeError(`${option} must name stages among ${expected}, got ${JSON.stringify(stranger)}`)
}
