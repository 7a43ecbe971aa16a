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
    const items = times.map((atMs) => ({ ...this.item.generate(random, bias).value, atMs }))
    return new fc.Value<readonly (T & Arriving)[]>(items, undefined)
  }

  override canShrinkWithoutContext(value: unknown): value is readonly (T & Arriving)[] {
    return Array.isArray(value)
  }

  override shrink(items: readonly (T & Arriving)[]): fc.Stream<fc.Value<readonly (T & Arriving)[]>> {
    return fc.stream(this.smaller(items)).map((smaller) => new fc.Value(smaller, undefined))
  }

  private *smaller(items: readonly (T & Arriving)[]): IterableIterator<readonly (T & Arriving)[]> {
    for (let size = items.length; size > 0; size = Math.floor(size / 2)) {
      for (let start = 0; start < items.length; start += size) yield items.toSpliced(start, size)
    }
    for (const [index, { jump }] of items.entries()) {
      if (jump?.kind !== 'sleep') continue
      const later = (item: T & Arriving): T & Arriving => ({ ...item, atMs: item.atMs + jump.byMs })
      yield items
        .map((item, at) => (at < index ? item : later(item)))
        .with(index, { ...later(items[index] as T & Arriving), jump: undefined })
    }
    for (const [index, { atMs }] of items.entries()) {
      const earliest = items[index - 1]?.atMs ?? 0
      const earlier = [earliest, ...roundTimes.filter((ms) => ms > earliest)].filter((ms) => ms < atMs)
      for (const ms of earlier) {
        yield items.map((item, at) => (at < index ? item : { ...item, atMs: item.atMs - atMs + ms }))
        yield items.with(index, { ...(items[index] as T & Arriving), atMs: ms })
      }
    }
    for (const [index, { atMs, ...item }] of items.entries()) {
      for (const { value } of this.item.shrink(item as unknown as T, undefined)) {
        yield items.with(index, { ...value, atMs })
      }
    }
  }
}
