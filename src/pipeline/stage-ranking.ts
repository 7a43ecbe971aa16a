import { StageError } from './errors.ts'

/** Asks what a number is of a request: with what its stage is given, and as it was submitted. */
type Rank = (value: unknown, request: unknown) => number

/** The functions among a stage's options. */
export interface StageRanking {
  readonly weight: Rank | undefined
  readonly priority: Rank | undefined
}

/** A request that a stage ranks. */
interface Ranked {
  readonly value: unknown
  readonly request: unknown
  weight: number
  priority: number
}

/**
 * Asks for a request's weight and priority once, as it arrives, and leaves them on it: so nothing can go wrong when a
 * crash puts it back.
 *
 * @returns What is wrong where a function throws or gives no valid number.
 */
export function rankRequest(item: Ranked, { weight, priority }: StageRanking, stage: string): StageError | undefined {
  if (weight !== undefined) {
    const given = ask(item, weight, 'weight', stage)
    if (typeof given !== 'number') return given
    if (!(given > 0 && given < Infinity)) return invalid(stage, 'weight', 'a finite number above 0', given)
    item.weight = given
  }
  if (priority !== undefined) {
    const given = ask(item, priority, 'priority', stage)
    if (typeof given !== 'number') return given
    if (Number.isNaN(given)) return invalid(stage, 'priority', 'a number', given)
    item.priority = given
  }
  return undefined
}

function ask({ value, request }: Ranked, rank: Rank, option: string, stage: string): number | StageError {
  let given: unknown
  try {
    given = rank(value, request)
  } catch (error) {
    // What it threw may quote the request, and this is logged.
    return new StageError(stage, `could not tell the ${option} of the request: the function threw`, { cause: error })
  }
  if (typeof given === 'number') return given
  return invalid(stage, option, 'a number', `a value of type ${typeof given}`)
}

function invalid(stage: string, option: string, expected: string, given: number | string): StageError {
  return new StageError(stage, `could not tell the ${option} of the request: it must be ${expected}, got ${given}`)
}
