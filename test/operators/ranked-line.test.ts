import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RankedLine } from '../../operators/ranked-line.ts'

interface Item {
  readonly weight: number
  readonly priority: number
}

const anyItem: fc.Arbitrary<Item> = fc.record({
  weight: fc.constantFrom(0.5, 1, 2, 3),
  priority: fc.nat({ max: 3 }),
})
const anyItems = fc.array(anyItem, { minLength: 1, maxLength: 10, size: 'max' })

function fill(line: RankedLine<Item>, items: readonly Item[]): void {
  for (const item of items) line.push(item, item.weight, item.priority, Infinity, true)
}

function weigh(items: readonly Item[]): number {
  return items.reduce((sum, { weight }) => sum + weight, 0)
}

describe('what gives way', () => {
  test('those of lower priority, the lowest and youngest first, if that is enough for the newcomer', () => {
    fc.assert(
      fc.property(anyItems, anyItem, fc.integer({ min: 3, max: 6 }), (items, newcomer, capacity) => {
        const load = weigh(items)
        fc.pre(load + newcomer.weight > capacity)
        const line = new RankedLine<Item>({ byPriority: true, evicts: 'lowest', holds: false })
        fill(line, items)
        const lower = items
          .toReversed()
          .filter(({ priority }) => priority < newcomer.priority)
          .toSorted((a, b) => a.priority - b.priority)
        const isEnough = load + newcomer.weight - weigh(lower) <= Math.max(capacity, load)
        const gives = lower.length > 0 && isEnough
        const enough = lower.findIndex(
          (_, index) => load + newcomer.weight - weigh(lower.slice(0, index + 1)) <= capacity,
        )
        expect(line.canGiveWay(newcomer.weight, newcomer.priority, capacity)).toBe(gives)
        expect(line.giveWay(newcomer.weight, newcomer.priority, capacity)).toEqual(
          gives ? lower.slice(0, enough === -1 ? undefined : enough + 1) : [],
        )
      }),
    )
  })

  const cases: readonly (readonly [string, readonly Item[], Item, number, readonly number[]])[] = [
    ['two light ones for a heavy one', [light(0), light(0), light(2)], heavy(1), 3, [1, 0]],
    ['not one alone, if it takes two', [light(0), light(2), light(2)], heavy(1), 3, []],
    ['none of the same priority', [light(1), light(1), light(1)], heavy(1), 3, []],
    ['a heavy one for a light one', [heavy(0), light(2)], light(1), 3, [0]],
    ['above a lowered capacity one for its like', [light(0), light(2), light(2)], light(1), 1, [0]],
    ['but none for what is heavier', [light(0), light(2), light(2)], heavy(1), 2, []],
  ]
  test.each(cases)('%s', (_, items, newcomer, capacity, places) => {
    const line = new RankedLine<Item>({ byPriority: true, evicts: 'lowest', holds: false })
    fill(line, items)
    const { weight, priority } = newcomer
    expect(line.canGiveWay(weight, priority, capacity)).toBe(places.length > 0)
    const evicted = line.giveWay(weight, priority, capacity)
    expect(evicted.map((item) => items.indexOf(item))).toEqual(places)
  })

  test('the oldest, whatever their priorities, until there is room', () => {
    fc.assert(
      fc.property(anyItems, anyItem, fc.integer({ min: 3, max: 6 }), (items, { weight, priority }, capacity) => {
        const line = new RankedLine<Item>({ byPriority: true, evicts: 'oldest', holds: false })
        fill(line, items)
        const left = [...items]
        while (weigh(left) + weight > capacity) left.shift()
        expect(line.canGiveWay(weight, priority, capacity)).toBe(true)
        expect(line.giveWay(weight, priority, capacity)).toEqual(items.slice(0, items.length - left.length))
        expect(line.load).toBe(weigh(left))
      }),
    )
  })
})

test('an empty line weighs nothing and gives nothing, whatever was in it', () => {
  const line = new RankedLine<Item>({ byPriority: false, evicts: 'oldest', holds: false })
  // Taken from their sum one by one, these two leave a rest.
  const items = [0.8, 2.1].map((weight) => ({ weight, priority: 0 }))
  fill(line, items)
  expect([line.shift(), line.shift(), line.shift()]).toEqual([...items, undefined])
  expect(line.load).toBe(0)
})

function light(priority: number): Item {
  return { weight: 1, priority }
}

function heavy(priority: number): Item {
  return { weight: 2, priority }
}
