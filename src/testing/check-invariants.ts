import * as fc from 'fast-check'
import { checkFunction, checkInteger, checkKeys, checkText } from '../../operators/index.ts'
import { InvariantError } from './invariant-error.ts'
import { OperatorRun } from './operator-run.ts'
import { describeOperatorScenario, operatorScenarios } from './operator-scenario.ts'
import { OperatorSubject } from './operator-subject.ts'
import type { Timeline } from './timeline.ts'

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
  /** A promise of your own: called after every step; what it throws fails the scenario. */
  readonly check?: () => void
  /** Told of each scenario's events, a line each: the same seed gives the same lines. */
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
  readonly outcomes: readonly string[]
}

/**
 * Plays random workloads with random faults on an operator in virtual time, checks the nine invariants of
 * ARCHITECTURE.md after every step, and shrinks what breaks one to the smallest scenario that does.
 *
 * Plain functions and promises: it works in every test runner.
 *
 * @example
 * ```ts
 * test('keeps its promises', () => checkInvariants(subject, { runs: 1_000 }))
 * ```
 *
 * @throws InvariantError with the invariant, the figures, seed and path to replay, the scenario and a timeline;
 * RangeError or TypeError that names the option, its value and the allowed range.
 */
export async function checkInvariants(subject: OperatorSubject, options: CheckOptions = {}): Promise<Report> {
  checkOptions(options)
  const { maxItems = 16, check } = options
  if (!(subject instanceof OperatorSubject)) {
    throw new TypeError('checkInvariants: the subject must be what operator() returns')
  }
  return search(
    {
      scenarios: operatorScenarios(subject.limits, maxItems),
      describe: describeOperatorScenario,
      run: async (scenario) => {
        const run = new OperatorRun(subject, scenario, check)
        await run.play()
        return { timeline: run.timeline, outcomes: [...run.books.outcomes.values()].map(({ kind }) => kind) }
      },
    },
    options,
  )
}

function checkOptions(options: CheckOptions): void {
  checkKeys('checkInvariants', options, known)
  const { runs = 1, seed = 0, path, maxItems = 1, maxMs = 1, check, onRun } = options
  checkInteger('runs', runs, { min: 1 })
  checkInteger('seed', seed, { min: -(2 ** 31), max: 2 ** 32 })
  checkInteger('maxItems', maxItems, { min: 1, max: 1000 })
  checkInteger('maxMs', maxMs, { min: 1 })
  if (check !== undefined) checkFunction('check', check)
  if (onRun !== undefined) checkFunction('onRun', onRun)
  if (path === undefined) return
  checkText('path', path)
  if (options.seed === undefined) throw new TypeError('path must be given together with the seed of the same failure')
}

async function search<Scenario>(play: Play<Scenario>, options: CheckOptions): Promise<Report> {
  const { runs = 100, seed, path, maxMs, onRun } = options
  const counts: Record<string, number> = {}
  let [played, items] = [0, 0]
  const property = fc.asyncProperty(play.scenarios, async (scenario) => {
    const { timeline, outcomes } = await play.run(scenario)
    played += 1
    items += outcomes.length
    for (const kind of outcomes) counts[kind] = (counts[kind] ?? 0) + 1
    onRun?.(timeline.lines)
    return timeline.violation === undefined
  })
  const details = await fc.check(property, {
    numRuns: runs,
    ...(seed !== undefined && { seed }),
    ...(path !== undefined && { path }),
    ...(maxMs !== undefined && { interruptAfterTimeLimit: maxMs, markInterruptAsFailure: false }),
  })
  if (!details.failed) return { runs: played, items, outcomes: counts, seed: details.seed }
  const scenario = details.counterexample?.[0]
  // Without a scenario it is no invariant that was broken: the subject itself could not be made or played.
  if (scenario === undefined) throw details.errorInstance as Error
  const { timeline } = await play.run(scenario)
  if (timeline.violation === undefined) throw new Error(unrepeatable)
  throw new InvariantError({
    violation: timeline.violation,
    seed: details.seed,
    path: details.counterexamplePath ?? '',
    run: details.numRuns,
    runs,
    shrinks: details.numShrinks,
    scenario: play.describe(scenario),
    timeline: String(timeline),
  })
}

const unrepeatable =
  'checkInvariants: a scenario failed and, played again, did not; the subject must depend on nothing but its scenario'
