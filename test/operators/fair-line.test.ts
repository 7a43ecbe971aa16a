import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FairLine } from '../../operators/fair-line.ts'
import { scaled } from '../effort.ts'

interface Item {
  readonly id: number
  readonly tenant: string
  readonly weight: number
}

const shares: Readonly<Record<string, number>> = { a: 1, b: 2, c: 5 }
const claimOf = ({ tenant }: Item): { tenant: string; share: number } => ({ tenant, share: shares[tenant] ?? 1 })

type Step =
  | { readonly do: 'come'; readonly tenant: string; readonly weight: number }
  | { readonly do: 'shift' | 'remove' | 'expire' | 'put-back' }

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('come' as const),
      tenant: fc.constantFrom('a', 'b', 'c', 'd'),
      weight: fc.integer({ min: 1, max: 4 }),
    }),
  },
  { weight: 3, arbitrary: fc.constant({ do: 'shift' as const }) },
  fc.record({ do: fc.constantFrom('remove' as const, 'expire' as const, 'put-back' as const) }),
)

describe('a fair line', () => {
  test('holds what came and has not left, starts each tenant in order, and makes room at the cost of who takes up the most', () => {
    fc.assert(
      fc.property(
        fc.array(anyStep, { maxLength: 60, size: 'max' }),
        fc.integer({ min: 1, max: 12 }),
        (steps, capacity) => {
          const line = new FairLine<Item>()
          let model: Item[] = []
          let shifted: Item | undefined
          const load = (items: readonly Item[]): number => items.reduce((sum, { weight }) => sum + weight, 0)
          const excess = (tenant: string, items: readonly Item[]): number =>
            load(items.filter((item) => item.tenant === tenant)) / (shares[tenant] ?? 1)
          for (const [id, step] of steps.entries()) {
            if (step.do === 'come') {
              const item = { id, tenant: step.tenant, weight: step.weight }
              if (line.load + item.weight > capacity) {
                const own = excess(item.tenant, [...model, item])
                const can = line.canGiveWay(item.weight, claimOf(item), capacity)
                const evicted = line.giveWay(item.weight, claimOf(item), capacity)
                expect(evicted.length > 0).toBe(can)
                if (item.weight === 1 && evicted.length === 0) {
                  for (const { tenant } of model) expect(excess(tenant, model)).toBeLessThanOrEqual(own)
                }
                for (const lost of evicted) {
                  expect(excess(lost.tenant, model)).toBeGreaterThan(own)
                  // The newest of its tenant.
                  expect(model.findLast(({ tenant }) => tenant === lost.tenant)).toBe(lost)
                  model = model.filter((other) => other !== lost)
                }
                if (evicted.length === 0) continue
              }
              line.push(item, item.weight, claimOf(item), id + 100)
              model = [...model, item]
            } else if (step.do === 'shift') {
              shifted = line.shift()
              if (model.length === 0) expect(shifted).toBeUndefined()
              else expect(shifted).toBe(model.find(({ tenant }) => tenant === shifted?.tenant))
              model = model.filter((item) => item !== shifted)
            } else if (step.do === 'remove') {
              const last = model.at(-1)
              if (last !== undefined) expect(line.remove(last)).toBe(true)
              model = model.slice(0, -1)
            } else if (step.do === 'expire') {
              const expired = line.takeExpired(1_000)
              if (expired !== undefined) model = model.filter((item) => item !== expired)
            } else if (shifted !== undefined) {
              line.unshift(shifted, shifted.weight, claimOf(shifted))
              model = [shifted, ...model]
              shifted = undefined
            }
            expect([line.length, line.startable, line.load]).toEqual([model.length, model.length, load(model)])
          }
        },
      ),
      { numRuns: scaled(300) },
    )
  })

  test('starts units in proportion to the shares of those who have something waiting', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }), (heavy, light) => {
        const line = new FairLine<Item>()
        for (let id = 0; id < 400; id++) {
          for (const [tenant, weight] of [
            ['a', heavy],
            ['b', light],
            ['c', 1],
          ] as const) {
            const item = { id, tenant, weight }
            line.push(item, weight, claimOf(item), Infinity)
          }
        }
        const units: Record<string, number> = { a: 0, b: 0, c: 0 }
        // While all three have something waiting.
        for (let started = 0; started < 300; started++) {
          const { tenant, weight } = line.shift() as Item
          units[tenant] = (units[tenant] as number) + weight
        }
        const inShares = Object.entries(units).map(([tenant, sum]) => sum / (shares[tenant] ?? 1))
        const round = Math.max(heavy, light)
        // A turn each, and what a deficit leaves over.
        expect(Math.max(...inShares) - Math.min(...inShares)).toBeLessThanOrEqual(2 * round)
      }),
    )
  })

  test('what expires is the oldest that was not put back', () => {
    const line = new FairLine<Item>()
    const items = ['a', 'b', 'a'].map((tenant, id) => ({ id, tenant, weight: 1 }))
    for (const [at, item] of items.entries()) line.push(item, 1, claimOf(item), at + 10)
    expect(line.nextExpiry).toBe(10)
    expect(line.takeExpired(9)).toBeUndefined()
    const first = line.shift() as Item
    line.unshift(first, 1, claimOf(first))
    expect(line.nextExpiry).toBe(11)
    expect(line.takeExpired(12)?.id).toBe(1)
    expect(line.takeExpired(12)?.id).toBe(2)
    expect(line.takeExpired(12)).toBeUndefined()
    expect(line.nextExpiry).toBe(Infinity)
    expect(line.shift()).toBe(first)
  })
})
