import { checkInteger, checkText, messageOf } from '../../../operators/index.ts'
import { type Goal, parseGoal } from '../../simulation/goal.ts'

/** What `spillway simulate` was given on the command line, as text. */
export interface SimulateArguments {
  readonly json?: boolean
  readonly html?: string
  readonly seed?: string
  readonly sweep?: readonly string[]
  readonly goal?: string
}

/** What it then does. */
export interface SimulateSettings {
  readonly json: boolean
  /** Where the page goes; `undefined` for none. */
  readonly html: string | undefined
  /** In place of that of the file, unless `undefined`. */
  readonly seed: number | undefined
  /** As they were given: which stages there are is known by the file. */
  readonly sweeps: readonly string[]
  /** With the text that it was read from. */
  readonly goal: { readonly text: string; readonly terms: Goal } | undefined
}

/** @throws TypeError or RangeError naming the option, its value and what is allowed. */
export function simulateSettings({ json, html, seed, sweep = [], goal }: SimulateArguments): SimulateSettings {
  return {
    json: json ?? false,
    html: html === undefined ? undefined : checkText('--html', html),
    seed:
      seed === undefined
        ? undefined
        : checkInteger('--seed', /^-?\d+$/.test(seed) ? Number(seed) : seed, { min: -(2 ** 31), max: 2 ** 32 - 1 }),
    sweeps: sweep,
    goal: goal === undefined ? undefined : { text: goal.trim(), terms: goalOf(goal) },
  }
}

function goalOf(text: string): Goal {
  try {
    return parseGoal(text)
  } catch (error) {
    throw new RangeError(`--${messageOf(error)}`, { cause: error })
  }
}
