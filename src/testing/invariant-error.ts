import { SpillwayError } from '../../operators/index.ts'
import { brokenLabel, type InvariantName, type Violation } from './invariants.ts'

/** What is known of a run that broke an invariant. */
export interface BrokenRun {
  readonly violation: Violation
  readonly seed: number
  readonly path: string
  /** The number of the run that failed first, 1 …, and of all that were to be. */
  readonly run: number
  readonly runs: number
  readonly shrinks: number
  /** Whether it failed when it was played once more, as what depends on its scenario alone does. */
  readonly failsAgain: boolean
  /** The scenario in words. */
  readonly scenario: string
  readonly timeline: string
}

/** `checkInvariants` has found a scenario that breaks an invariant; the message shows all of it. */
export class InvariantError extends SpillwayError {
  readonly code = 'invariant_broken'
  readonly invariant: InvariantName
  /** Give both to `checkInvariants` to play this scenario again, alone. */
  readonly seed: number
  readonly path: string
  /** The smallest scenario that was found, in words. */
  readonly scenario: string
  /** What happened in it, a line for each event; the offending one begins with `>`. */
  readonly timeline: string

  constructor({ violation, seed, path, run, runs, shrinks, failsAgain, scenario, timeline }: BrokenRun) {
    const again = failsAgain
      ? 'play it again with'
      : 'played again it did not fail, so it depends on more than its scenario;'
    super(
      [
        `${brokenLabel(violation.invariant)}: ${violation.message}`,
        '',
        `run ${run} of ${runs}, shrunk ${shrinks} times; ${again} { seed: ${seed}, path: '${path}' }`,
        '',
        'the scenario:',
        scenario,
        '',
        'what happened:',
        timeline,
      ].join('\n'),
      'cause' in violation ? { cause: violation.cause } : {},
    )
    this.invariant = violation.invariant
    this.seed = seed
    this.path = path
    this.scenario = scenario
    this.timeline = timeline
  }
}
