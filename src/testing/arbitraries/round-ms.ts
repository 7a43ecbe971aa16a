import * as fc from 'fast-check'
import { checkInteger, checkNumber } from '../../../operators/index.ts'
import { checkArray } from './check-array.ts'

/** A time and how often it is drawn, compared with the others; 0: never drawn, only shrunk to. */
export type WeighedMs = readonly [ms: number, weight: number]

/** What a person reads as a time rather than as a number, in milliseconds. */
export const roundTimes: readonly number[] = [0, 1, 2, 5, 10, 20, 30, 40, 50, 100, 150, 200, 500, 1000]

/**
 * Times that a person reads easily, in milliseconds: drawn from a list by weight, shrunk to any smaller one of
 * the list, the smallest first.
 *
 * @param choices Ascending; at least one has a weight above 0.
 *
 * @example
 * ```ts
 * const thinkingMs = roundMs([[0, 0], [10, 3], [100, 1]]) // mostly 10, sometimes 100, shrinks to 0
 * ```
 *
 * @throws RangeError or TypeError that names the choice, its value and the allowed range.
 */
export function roundMs(choices: readonly WeighedMs[]): fc.Arbitrary<number> {
  return new RoundMs(choices)
}

class RoundMs extends fc.Arbitrary<number> {
  private readonly choices: readonly WeighedMs[]
  private readonly total: number

  constructor(choices: readonly WeighedMs[]) {
    super()
    checkArray('choices', choices, ([ms, weight], index) => {
      checkNumber(`choices[${index}]`, ms)
      checkInteger(`the weight of choices[${index}]`, weight)
    })
    this.choices = choices
    this.total = choices.reduce((sum, [, weight]) => sum + weight, 0)
    if (this.total === 0) throw new RangeError('roundMs: at least one choice must have a weight above 0')
  }

  override generate(random: fc.Random): fc.Value<number> {
    let left = random.nextInt(1, this.total)
    const [ms] = this.choices.find(([, weight]) => (left -= weight) <= 0) as WeighedMs
    return new fc.Value(ms, undefined)
  }

  override canShrinkWithoutContext(value: unknown): value is number {
    return this.choices.some(([ms]) => ms === value)
  }

  override shrink(value: number): fc.Stream<fc.Value<number>> {
    const smaller = this.choices.filter(([ms]) => ms < value)
    return fc.stream(smaller.map(([ms]) => new fc.Value<number>(ms, undefined)).values())
  }
}
