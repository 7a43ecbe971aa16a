import * as fc from 'fast-check'
import { checkInteger, checkOneOf } from '../../../operators/index.ts'
import { checkArray } from './check-array.ts'
import { rarely } from './rarely.ts'

/**
 * What goes wrong with one item: its work throws in the very call, fails later (`reject`), never ends and ignores its
 * signal (`hang`), or takes its stage down (`crash`: a `StageCrash` in a pipeline; an operator's project returns
 * what is no observable input).
 */
export type Fault = 'throw' | 'reject' | 'hang' | 'crash'

const all: readonly Fault[] = ['throw', 'reject', 'hang', 'crash']

/**
 * Faults, of which most items have none.
 *
 * @param kinds Default all four.
 * @param oneIn How many items there are for each fault, 1 …; default 4.
 *
 * @throws RangeError or TypeError that names the parameter, its value and the allowed range.
 */
export function faults(kinds: readonly Fault[] = all, oneIn = 4): fc.Arbitrary<Fault | undefined> {
  checkArray('kinds', kinds, (kind) => checkOneOf('kinds', kind, all))
  checkInteger('oneIn', oneIn, { min: 1 })
  if (kinds.length === 0) return fc.constant(undefined)
  return rarely(oneIn, fc.constantFrom(...kinds))
}
