import * as fc from 'fast-check'
import { checkInteger, checkKeys, checkOneOf } from '../../../operators/index.ts'
import { checkArray } from './check-array.ts'
import { roundMs, type WeighedMs } from './round-ms.ts'

/**
 * How traffic comes: at a steady rate; in bursts of one moment with pauses; in phases of traffic and silence; or with
 * pauses of which few are very long.
 */
export type ArrivalPattern = 'steady' | 'bursty' | 'on-off' | 'heavy-tailed'

/** Every kind shrinks towards "all in one moment". */
const gaps: Readonly<Record<ArrivalPattern, readonly (readonly WeighedMs[])[]>> = {
  steady: [
    [
      [0, 0],
      [1, 1],
    ],
    [
      [0, 0],
      [1, 0],
      [5, 1],
    ],
    [
      [0, 0],
      [1, 0],
      [5, 0],
      [10, 1],
    ],
  ],
  bursty: [
    [
      [0, 12],
      [5, 1],
      [10, 1],
      [20, 1],
      [50, 1],
    ],
  ],
  'on-off': [
    [
      [0, 1],
      [1, 5],
      [2, 5],
      [50, 1],
      [100, 1],
    ],
  ],
  'heavy-tailed': [
    [
      [0, 16],
      [1, 8],
      [2, 6],
      [5, 4],
      [10, 3],
      [20, 2],
      [100, 1],
      [500, 1],
    ],
  ],
}

const all = Object.keys(gaps) as readonly ArrivalPattern[]

/**
 * When things arrive: milliseconds from the start, ascending, in one of the patterns.
 *
 * @param options.maxLength Arrivals at the most, default 20.
 * @param options.patterns Default all four.
 *
 * @example
 * ```ts
 * fc.assert(fc.property(arrivals({ patterns: ['bursty'] }), (times) => …))
 * ```
 *
 * @throws RangeError or TypeError that names the option, its value and the allowed range.
 */
export function arrivals(
  options: { readonly maxLength?: number; readonly patterns?: readonly ArrivalPattern[] } = {},
): fc.Arbitrary<readonly number[]> {
  const { maxLength = 20, patterns = all } = options
  checkKeys('arrivals', options, ['maxLength', 'patterns'])
  checkInteger('maxLength', maxLength, { max: 2 ** 31 - 1 })
  checkArray('patterns', patterns, (pattern) => checkOneOf('patterns', pattern, all))
  if (patterns.length === 0) throw new RangeError('patterns must not be empty')
  const workloads = patterns
    .flatMap((pattern) => gaps[pattern])
    .map((gap) => fc.array(roundMs(gap), { maxLength, size: 'max' }))
  return fc.oneof(...workloads).map((gapsMs) => {
    let at = 0
    return gapsMs.map((gapMs) => (at += gapMs))
  })
}
