import * as fc from 'fast-check'
import {
  checkFunction,
  checkInteger,
  checkKeys,
  checkOneOf,
  checkText,
  messageOf,
  show,
  systemRandom,
} from '../../operators/index.ts'
import { Pipeline } from '../pipeline/pipeline.ts'
import { checkStartOptions, type StartOptions } from '../pipeline/start-options.ts'
import { InvariantError } from './invariant-error.ts'
import { OperatorRun } from './operator-run.ts'
import { describeOperatorScenario, type OperatorScenario, operatorScenarios } from './operator-scenario.ts'
import { OperatorSubject } from './operator-subject.ts'
import { PipelineRun } from './pipeline-run.ts'
import { describePipelineScenario, type PipelineScenario, pipelineScenarios } from './pipeline-scenario.ts'
import { Timeline } from './timeline.ts'
import { unhandledErrorsOf } from './unhandled-errors.ts'

/** How much is tried, and what is to hold besides. */
export interface CheckOptions {
  /** Scenarios, 1 …; default 100. */
  readonly runs?: number
  /** Of an earlier report or failure: the same scenarios again; default another one each time. */
  readonly seed?: number
  /** Of an earlier failure, together with its `seed`: that scenario alone. */
  readonly path?: string
  /** Items of a scenario at the most, 1 …; default 16. */
  readonly maxItems?: number
  /** Real milliseconds after which no further scenario is begun; default no limit. */
  readonly maxMs?: number
  /** A promise of your own, not an async one: called after every step; what it throws fails the scenario. */
  readonly check?: () => void
  /** Told of each scenario's events, a line each: the same seed gives the same lines. What it throws ends it all. */
  readonly onRun?: (timeline: readonly string[]) => void
}

/** What was tried, and how it ended. */
export interface Report {
  /** Scenarios that were played. */
  readonly runs: number
  /** Items, or requests, in all of them. */
  readonly items: number
  /** How these ended. */
  readonly outcomes: Readonly<Record<string, number>>
  /** Give it to `checkInvariants` to play the same scenarios again. */
  readonly seed: number
}

const known = ['runs', 'seed', 'path', 'maxItems', 'maxMs', 'check', 'onRun'] as const

/** One kind of subject: what is played, and how. */
interface Play<Scenario> {
  readonly scenarios: fc.Arbitrary<Scenario>
  describe(scenario: Scenario): string
  run(scenario: Scenario): Promise<PlayedRun>
}

/** What a run leaves. */
interface PlayedRun {
  readonly timeline: Timeline
  /** How the items, or requests, ended. */
  readonly outcomes: readonly string[]
}

/** A run that can be played. */
interface PlayableRun extends PlayedRun {
  play(): Promise<void>
}

/** A pipeline to check; a function makes one for each scenario, for stages that keep something. */
export type PipelineSubject<Request> = Pipeline<Request, unknown, string> | (() => Pipeline<Request, unknown, string>)

/** How a pipeline's workloads are made. */
export interface PipelineCheckOptions<Request> extends CheckOptions {
  /** Makes the requests: by their number (0 …), or an arbitrary. */
  readonly request: ((index: number) => Request) | fc.Arbitrary<Request>
  /** What the pipeline is started with; default as `start` has it, with admission by turns. */
  readonly start?: Omit<StartOptions, 'clock'>
  /** `'simulated'`: handlers are not called, and give what they are given after a random time; default `'real'`. */
  readonly handlers?: 'real' | 'simulated'
}

/**
 * Plays random workloads with random faults on an operator or a pipeline in virtual time, checks the nine invariants
 * of ARCHITECTURE.md after every step, and shrinks what breaks one to the smallest scenario that does.
 *
 * A pipeline's own handlers are called, late at times; now and then one throws, rejects, hangs or crashes instead.
 * They must wait by `context.clock` and their signal only: one that has not returned once no timer is left fails the
 * scenario. Requests that are plain objects without a `deadlineMs` get one at times, and a `session`, where those of one
 * take turns (`start.sessions`). Callers read, read slowly, stop, or cancel, and the pipeline is drained at a random
 * moment.
 *
 * Each stage is held to what an operator of its options is: order by priority and arrival, who gives way for whom, how
 * many requests or units wait. What its `priority` and `weight` functions say is taken as true and is asked once; a
 * function that says the wrong thing is for a `check` of your own. Of a stage it cannot be seen from outside
 * - who of those that wait for room (`wait`) goes in next: they are judged from the moment they are let in,
 * - what gives way where the end of one request lets others in before the call returns: then order and figures are,
 * - whether weights fit that are no multiples of 2⁻²⁰, whose sums depend on their order: then order is.
 *
 * Plain functions and promises: it works in every test runner.
 *
 * @example
 * ```ts
 * test('keeps its promises', () => checkInvariants(chat, { request: (index) => ({ input: `question ${index}` }) }))
 * ```
 *
 * @throws InvariantError with the invariant, the figures, seed and path to replay, the scenario and a timeline;
 * RangeError or TypeError that names the option, its value and the allowed range.
 */
export async function checkInvariants(subject: OperatorSubject, options?: CheckOptions): Promise<Report>
export async function checkInvariants<Request>(
  subject: PipelineSubject<Request>,
  options: PipelineCheckOptions<Request>,
): Promise<Report>
export async function checkInvariants(subject: unknown, options: CheckOptions = {}): Promise<Report> {
  if (subject instanceof OperatorSubject) {
    checkOptions(options, [])
    return search(playOperator(subject, options), options)
  }
  const create = (): Definition => {
    const made: unknown = typeof subject === 'function' ? (subject as () => unknown)() : subject
    if (made instanceof Pipeline) return made as Definition
    throw new TypeError(
      `checkInvariants: the subject must be a pipeline, a function that makes one, or operator(…), got ${show(made)}`,
    )
  }
  const definition = create()
  const ofPipeline = options as PipelineCheckOptions<unknown>
  checkOptions(options, ['request', 'start', 'handlers'])
  checkOneOf('handlers', ofPipeline.handlers ?? 'real', ['real', 'simulated'])
  if (!(ofPipeline.request instanceof fc.Arbitrary)) checkFunction('request', ofPipeline.request)
  if (ofPipeline.start !== undefined) checkStart(ofPipeline.start)
  return search(playPipeline(create, definition, ofPipeline), options)
}

type Definition = Pipeline<unknown, unknown, string>

function playOperator(subject: OperatorSubject, { maxItems = 16, check }: CheckOptions): Play<OperatorScenario> {
  return {
    scenarios: operatorScenarios(subject.limits, maxItems),
    describe: describeOperatorScenario,
    run: (scenario) => played(() => new OperatorRun(subject, scenario, check)),
  }
}

function playPipeline(
  create: () => Definition,
  definition: Definition,
  { maxItems = 16, check, request, start = {}, handlers }: PipelineCheckOptions<unknown>,
): Play<PipelineScenario> {
  const stages = definition.topology.stages.map(({ name }) => name)
  const arbitrary = request instanceof fc.Arbitrary ? request : undefined
  const make = request instanceof fc.Arbitrary ? () => undefined : request
  const simulated = handlers === 'simulated'
  return {
    scenarios: pipelineScenarios({
      stages: stages.length,
      maxItems,
      request: arbitrary,
      admission: start.admission,
      serial: start.sessions !== undefined && start.sessions.serial !== false,
    }),
    describe: (scenario) => describePipelineScenario(scenario, stages),
    run: (scenario) => played(() => new PipelineRun(create(), scenario, { request: make, start, simulated, check })),
  }
}

/**
 * Makes and plays a run. What it cannot be made or played for, such as a factory that throws or timers without an end,
 * is shown where it happened; so is what RxJS has nobody to tell of, and what else is wrong then follows from that.
 */
async function played(make: () => PlayableRun): Promise<PlayedRun> {
  let run: PlayedRun = { timeline: new Timeline(() => 0), outcomes: [] }
  const [unhandled] = await unhandledErrorsOf(async () => {
    try {
      const made = make()
      run = made
      await made.play()
    } catch (error) {
      run.timeline.fault('The subject itself', messageOf(error), error)
    }
  })
  if (unhandled !== undefined) run.timeline.isDueTo(unhandled)
  return run
}

function checkStart(start: StartOptions): void {
  checkStartOptions(start)
  if ('clock' in start)
    throw new TypeError('start.clock must be left out: each scenario has a virtual clock of its own')
}

function checkOptions(options: CheckOptions, more: readonly string[]): void {
  checkKeys('checkInvariants', options, [...known, ...more])
  const { runs = 1, seed = 0, path, maxItems = 1, maxMs = 1, check, onRun } = options
  checkInteger('runs', runs, { min: 1 })
  checkInteger('seed', seed, { min: -(2 ** 31), max: 2 ** 32 })
  checkInteger('maxItems', maxItems, { min: 1, max: 1000 })
  checkInteger('maxMs', maxMs, { min: 1 })
  if (check !== undefined) checkFunction('check', check)
  if (onRun !== undefined) checkFunction('onRun', onRun)
  if (path === undefined) return
  checkText('path', path)
  if (!/^\d+(:\d+)*$/.test(path)) {
    throw new RangeError(`path must be that of an earlier failure, such as "12:0:3", got ${show(path)}`)
  }
  if (options.seed === undefined) throw new TypeError('path must be given together with the seed of the same failure')
}

async function search<Scenario>(play: Play<Scenario>, options: CheckOptions): Promise<Report> {
  const { runs = 100, path, maxMs, onRun } = options
  // Drawn here, so that it is known also where fast-check ends with what an arbitrary throws.
  const seed = options.seed ?? fc.readConfigureGlobal().seed ?? Math.floor(systemRandom() * 2 ** 32) | 0
  const counts: Record<string, number> = {}
  let [played, passed, items] = [0, 0, 0]
  // Of the scenarios that fail, the last is the smallest.
  let broken: Timeline | undefined
  let refusal: { readonly error: unknown } | undefined
  const property = fc.asyncProperty(play.scenarios, async (scenario) => {
    // Nobody is told any more: fails at once, also while it is shrunk.
    if (refusal !== undefined) return false
    const { timeline, outcomes } = await play.run(scenario)
    played += 1
    items += outcomes.length
    for (const kind of outcomes) counts[kind] = (counts[kind] ?? 0) + 1
    if (timeline.violation !== undefined) broken = timeline
    // What comes after a failure is shrunk of it.
    else if (broken === undefined) passed += 1
    try {
      onRun?.(timeline.lines)
    } catch (error) {
      refusal = { error }
    }
    return timeline.violation === undefined && refusal === undefined
  })
  let details: fc.RunDetails<[Scenario]>
  try {
    details = await fc.check(property, {
      numRuns: runs,
      seed,
      ...(path !== undefined && { path }),
      ...(maxMs !== undefined && { interruptAfterTimeLimit: maxMs, markInterruptAsFailure: false }),
    })
  } catch (error) {
    throw new InvariantError({
      violation: {
        invariant: 'The subject itself',
        message: `no scenario could be made: ${messageOf(error)}`,
        cause: error,
      },
      ...{ seed, path: path ?? String(passed), run: passed + 1, runs, shrinks: 0, failsAgain: true },
      ...{ scenario: '  it could not be made', timeline: '  nothing' },
    })
  }
  if (refusal !== undefined) throw refusal.error
  if (!details.failed) return { runs: played, items, outcomes: counts, seed: details.seed }
  const { violation } = broken ?? {}
  const [scenario] = details.counterexample ?? []
  if (violation === undefined || scenario === undefined) throw details.errorInstance as Error
  const again = await play.run(scenario)
  throw new InvariantError({
    violation,
    seed: details.seed,
    path: details.counterexamplePath ?? '',
    run: details.numRuns,
    runs,
    shrinks: details.numShrinks,
    failsAgain: again.timeline.violation !== undefined,
    scenario: play.describe(scenario),
    timeline: String(broken),
  })
}
