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

  test('what is due passes by its time, then by its arrival, and what is left is discarded in that order', () => {
    const anyWaiting = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 30, size: 'max' })
    fc.assert(
      fc.property(anyWaiting, fc.integer({ min: 0, max: 40 }), (weights, until) => {
        const lanes = new RateLanes<RateItem>({
          rate: 1,
          perMs: 10,
          burst: 4,
          capacity: Infinity,
          perKeyCapacity: Infinity,
        })
        for (const key of weights.keys()) lanes.offer(key, { index: -1, weight: 4 }, 0)
        const items = weights.map((weight, index) => ({ index, weight }))
        for (const item of items) expect(lanes.offer(item.index, item, 0)).toBe(-1)
        const taken: RateItem[] = []
        for (let item = lanes.takeDue(until); item !== undefined; item = lanes.takeDue(until)) taken.push(item)
        const due = items.filter(({ weight }) => weight * 10 <= until)
        expect(taken).toEqual(due.toSorted((a, b) => a.weight - b.weight || a.index - b.index))
        expect(lanes.discard()).toEqual(items.filter((item) => !due.includes(item)))
      }),
    )
  })

  test('what has passed makes room for as much', () => {
    const lanes = new RateLanes<RateItem>({ rate: 1, perMs: 10, burst: 1, capacity: 2, perKeyCapacity: 2 })
    const offer = (now: number): number => lanes.offer('key', { index: 0, weight: 1 }, now)
    expect([offer(0), offer(0), offer(0), offer(0)]).toEqual([0, -1, -1, 30])
    expect(lanes.takeDue(10)).toBeDefined()
    expect([offer(10), offer(10)]).toEqual([-1, 30])
  })

  test('an empty line weighs nothing, whatever was in it', () => {
    const lanes = new RateLanes<RateItem>({ rate: 1, perMs: 10, burst: 3, capacity: 3, perKeyCapacity: 3 })
    const offer = (weight: number, now: number): number => lanes.offer('key', { index: 0, weight }, now)
    // Taken from their sum one by one, the latter two leave a rest.
    expect([offer(3, 0), offer(0.8, 0), offer(2.1, 0)]).toEqual([0, -1, -1])
    expect([lanes.takeDue(100)?.weight, lanes.takeDue(100)?.weight]).toEqual([0.8, 2.1])
    expect(offer(3, 100)).toBe(-1)
  })

  test('a key that is in use keeps no other from being forgotten', () => {
    const lanes = new RateLanes<RateItem>({ ...limits, capacity: 2 })
    const offer = (key: string, now: number): number => lanes.offer(key, { index: 0, weight: 1 }, now)
    expect([offer('a', 0), offer('a', 0), offer('a', 0), offer('b', 1)]).toEqual([0, 0, -1, 0])
    expect(lanes.takeDue(10)).toBeDefined()
    offer('c', 20)
    expect(lanes.size).toBe(2)
  })

  test('a key is not forgotten by a rounding while something of it waits', () => {
    const lanes = new RateLanes<RateItem>({ rate: 7, perMs: 2, burst: 2, capacity: 4, perKeyCapacity: 4 })
    const offer = (now: number): number => lanes.offer('key', { index: 0, weight: 2 }, now)
    expect([offer(0.3), offer(0.3)]).toEqual([0, -1])
    const now = lanes.nextDue - 2 ** -53
    expect(lanes.takeDue(now)).toBe(undefined)
    expect(offer(now)).toBe(-1)
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
