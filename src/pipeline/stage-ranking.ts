import type { Claim } from '../../operators/index.ts'
import { StageError } from './errors.ts'

/** Asks something of a request: with what its stage is given, and as it was submitted. */
type Ask<Answer> = (value: unknown, request: unknown) => Answer
type Rank = Ask<number>

/** The functions among a stage's options. */
export interface StageRanking {
  readonly weight: Rank | undefined
  readonly priority: Rank | undefined
  /** Whose a request is, and what part is that tenant's. */
  readonly sharing?: { readonly tenant: Ask<string>; readonly share?: Rank } | undefined
}

/** A request that a stage ranks. */
interface Ranked {
  readonly value: unknown
  readonly request: unknown
  weight: number
  priority: number
  claim: Claim | undefined
}

/**
 * Asks for a request's weight and priority once, as it arrives, and leaves them on it: so nothing can go wrong when a
 * crash puts it back.
 *
 * @returns What is wrong where a function throws or gives no valid number.
 */
export function rankRequest(
  item: Ranked,
  { weight, priority, sharing }: StageRanking,
  stage: string,
): StageError | undefined {
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
  if (sharing !== undefined) {
    const tenant = ask(item, sharing.tenant, 'tenant', stage, 'string')
    if (typeof tenant !== 'string') return tenant
    const share = sharing.share === undefined ? 1 : ask(item, sharing.share, 'share', stage)
    if (typeof share !== 'number') return share
    if (!(share >= 1 && share <= 1_000)) return invalid(stage, 'share', 'a number from 1 to 1000', share)
    item.claim = { tenant, share }
  }
  return undefined
}

function ask(item: Ranked, rank: Rank, option: string, stage: string): number | StageError
function ask(item: Ranked, rank: Ask<string>, option: string, stage: string, type: 'string'): string | StageError
function ask(
  { value, request }: Ranked,
  rank: Ask<unknown>,
  option: string,
  stage: string,
  type: 'string' | 'number' = 'number',
): unknown {
  let given: unknown
  try {
    given = rank(value, request)
  } catch (error) {
    // What it threw may quote the request, and this is logged.
    return new StageError(stage, `could not tell the ${option} of the request: the function threw`, { cause: error })
  }
  return typeof given === type ? given : invalid(stage, option, `a ${type}`, `a value of type ${typeof given}`)
}

function invalid(stage: string, option: string, expected: string, given: number | string): StageError {
  return new StageError(stage, `could not tell the ${option} of the request: it must be ${expected}, got ${given}`)
}
