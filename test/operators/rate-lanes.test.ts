import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type RateItem, RateLanes } from '../../operators/rate-lanes.ts'

const limits = { rate: 1, perMs: 10, burst: 2, capacity: 2, perKeyCapacity: 1 }

describe('RateLanes', () => {
  test('remembers no more keys than have passed or waited within the time that makes a burst good', () => {
    const anyArrivals = fc.array(fc.record({ afterMs: fc.nat({ max: 8 }), key: fc.nat({ max: 50 }) }), {
      maxLength: 200,
      size: 'max',
    })
    fc.assert(
      fc.property(anyArrivals, (arrivals) => {
        const lanes = new RateLanes<RateItem>(limits)
        const usedAt = new Map<number, number>()
        const keyOf = new Map<RateItem, number>()
        let now = 0
        for (const [index, { afterMs, key }] of arrivals.entries()) {
          now += afterMs
          const item = { index, weight: 1 }
          keyOf.set(item, key)
          for (let due = lanes.takeDue(now); due !== undefined; due = lanes.takeDue(now))
            usedAt.set(keyOf.get(due)!, now)
          if (lanes.offer(key, item, now) <= 0) usedAt.set(key, now)
          const recent = [...usedAt.values()].filter((at) => now - at < limits.burst * limits.perMs)
          expect(lanes.size).toBeLessThanOrEqual(recent.length)
        }
      }),
    )
  })

  test('a hundred thousand keys come and go', () => {
    const lanes = new RateLanes<RateItem>(limits)
    let most = 0
    for (let index = 0; index < 100_000; index++) {
      expect(lanes.offer(`key ${index}`, { index, weight: 1 }, index)).toBe(0)
      most = Math.max(most, lanes.size)
    }
    expect(most).toBe(10)
  })

  test('a key that fills its own line leaves room for others', () => {
    const lanes = new RateLanes<RateItem>(limits)
    const offer = (key: string, index: number): number => lanes.offer(key, { index, weight: 1 }, 0)
    expect(['hot', 'hot', 'hot', 'hot'].map(offer)).toEqual([0, 0, -1, 20])
    expect(['b', 'b', 'b', 'c', 'c', 'c'].map(offer)).toEqual([0, 0, -1, 0, 0, 10])
    expect(lanes.nextDue).toBe(10)
    expect(lanes.takeDue(9)).toBe(undefined)
    expect(lanes.takeDue(10)).toEqual({ index: 2, weight: 1 })
    expect(lanes.nextDue).toBe(10)
    expect(lanes.discard()).toEqual([{ index: 2, weight: 1 }])
    expect(lanes.nextDue).toBe(Infinity)
    expect(['hot', 'b'].map(offer)).toEqual([-1, -1])
  })
})
