import * as fc from 'fast-check'
import type { ClockJump } from './clock-jumps.ts'
import { roundTimes } from './round-ms.ts'

/** Something that arrives, in milliseconds from the start. */
export interface Arriving {
  readonly atMs: number
}

/** Something before which the machine's clock may leap. */
interface Jumping {
  readonly jump: ClockJump | undefined
}

/**
 * Items with times of arrival. What is left out when it shrinks leaves the others where they are; a machine that sleeps
 * becomes time that passes; times become smaller one by one, and those behind them with them.
 */
export function workload<T extends Jumping>(
  times: fc.Arbitrary<readonly number[]>,
  item: fc.Arbitrary<T>,
): fc.Arbitrary<readonly (T & Arriving)[]> {
  return new Workload(times, item)
}

/** An item as it was made, with what it shrinks by. */
interface Planned<T> extends Arriving {
  readonly item: fc.Value<T>
}

class Workload<T extends Jumping> extends fc.Arbitrary<readonly (T & Arriving)[]> {
  private readonly times: fc.Arbitrary<readonly number[]>
  private readonly item: fc.Arbitrary<T>

  constructor(times: fc.Arbitrary<readonly number[]>, item: fc.Arbitrary<T>) {
    super()
    this.times = times
    this.item = item
  }

  override generate(random: fc.Random, bias: number | undefined): fc.Value<readonly (T & Arriving)[]> {
    const times = this.times.generate(random, bias).value
    return together(times.map((atMs) => ({ atMs, item: this.item.generate(random, bias) })))
  }

  override canShrinkWithoutContext(value: unknown): value is readonly (T & Arriving)[] {
    return Array.isArray(value)
  }

  override shrink(items: readonly (T & Arriving)[], context: unknown): fc.Stream<fc.Value<readonly (T & Arriving)[]>> {
    const planned = (context as readonly Planned<T>[] | undefined) ?? items.map(withoutContext)
    return fc.stream(this.smaller(planned)).map(together)
  }

  private *smaller(planned: readonly Planned<T>[]): IterableIterator<readonly Planned<T>[]> {
    for (let size = planned.length; size > 0; size = Math.floor(size / 2)) {
      for (let start = 0; start < planned.length; start += size) yield planned.toSpliced(start, size)
    }
    for (const [index, { item, atMs }] of planned.entries()) {
      const { jump } = item.value
      if (jump?.kind !== 'sleep') continue
      // Without what it was made by, which would have the machine sleep again.
      const awake = new fc.Value<T>({ ...item.value, jump: undefined }, undefined)
      yield planned
        .map((other, at) => (at < index ? other : { ...other, atMs: other.atMs + jump.byMs }))
        .with(index, { item: awake, atMs: atMs + jump.byMs })
    }
    for (const [index, { item, atMs }] of planned.entries()) {
      const earliest = planned[index - 1]?.atMs ?? 0
      const earlier = [earliest, ...roundTimes.filter((ms) => ms > earliest)].filter((ms) => ms < atMs)
      for (const ms of earlier) {
        yield planned.map((other, at) => (at < index ? other : { ...other, atMs: other.atMs - atMs + ms }))
        yield planned.with(index, { item, atMs: ms })
      }
    }
    for (const [index, { item, atMs }] of planned.entries()) {
      for (const smaller of this.item.shrink(item.value, item.context)) {
        yield planned.with(index, { item: smaller, atMs })
      }
    }
  }
}

function together<T extends object>(planned: readonly Planned<T>[]): fc.Value<readonly (T & Arriving)[]> {
  return new fc.Value(
    planned.map(({ item, atMs }) => ({ ...item.value, atMs })),
    planned,
  )
}

function withoutContext<T extends object>({ atMs, ...item }: T & Arriving): Planned<T> {
  return { atMs, item: new fc.Value(item as unknown as T, undefined) }
}
