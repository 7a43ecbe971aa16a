import * as fc from 'fast-check'

/**
 * Something that most items do not have.
 *
 * @param oneIn How many items there are for each that has it, 1 ….
 * @returns Shrinks to `undefined` first.
 */
export function rarely<T>(oneIn: number, arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return new Rarely(oneIn, arbitrary)
}

class Rarely<T> extends fc.Arbitrary<T | undefined> {
  private readonly oneIn: number
  private readonly arbitrary: fc.Arbitrary<T>

  constructor(oneIn: number, arbitrary: fc.Arbitrary<T>) {
    super()
    this.oneIn = oneIn
    this.arbitrary = arbitrary
  }

  override generate(random: fc.Random, bias: number | undefined): fc.Value<T | undefined> {
    if (random.nextInt(1, this.oneIn) > 1) return new fc.Value<T | undefined>(undefined, undefined)
    return this.arbitrary.generate(random, bias)
  }

  override canShrinkWithoutContext(value: unknown): value is T | undefined {
    return value === undefined || this.arbitrary.canShrinkWithoutContext(value)
  }

  override shrink(value: T | undefined, context: unknown): fc.Stream<fc.Value<T | undefined>> {
    if (value === undefined) return fc.Stream.nil()
    const none = fc.Stream.of(new fc.Value<T | undefined>(undefined, undefined))
    return none.join(this.arbitrary.shrink(value, context) as fc.Stream<fc.Value<T | undefined>>)
  }
}
