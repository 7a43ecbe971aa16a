import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Gcra } from '../../operators/index.ts'
import { scaled } from '../effort.ts'

interface Passage {
  readonly at: number
  readonly weight: number
}

const anyLimit = fc.record({
  rate: fc.integer({ min: 1, max: 20 }),
  perMs: fc.integer({ min: 1, max: 60 }),
  burst: fc.integer({ min: 1, max: 8 }),
})
const anyTraffic = fc.array(fc.record({ afterMs: fc.nat({ max: 12 }), weight: fc.integer({ min: 1, max: 4 }) }), {
  maxLength: 60,
  size: 'max',
})

/** The definition, on whole numbers: no window that ends now holds more than its burst and what its length allows. */
function keepsTo(limit: { rate: number; perMs: number; burst: number }, passages: readonly Passage[]): boolean {
  const end = passages.at(-1)!.at
  let weight = 0
  return passages.toReversed().every((passage) => {
    weight += passage.weight
    return (weight - limit.burst) * limit.perMs <= limit.rate * (end - passage.at)
  })
}

describe('Gcra', () => {
  test('lets pass exactly what keeps every window to the limit', () => {
    fc.assert(
      fc.property(anyLimit, anyTraffic, (limit, traffic) => {
        const gcra = new Gcra(limit)
        const passed: Passage[] = []
        let at = -7
        for (const { afterMs, weight } of traffic) {
          at += afterMs
          const next = [...passed, { at, weight }]
          const conforms = keepsTo(limit, next)
          expect(gcra.take(at, weight) === 0).toBe(conforms)
          if (conforms) passed.push({ at, weight })
        }
      }),
      { numRuns: scaled(500) },
    )
  })

  test('a refusal changes nothing', () => {
    fc.assert(
      fc.property(anyLimit, anyTraffic, (limit, traffic) => {
        const [told, untold] = [new Gcra(limit), new Gcra(limit)]
        let at = 0
        for (const { afterMs, weight } of traffic) {
          at += afterMs
          if (told.take(at, weight) === 0) expect(untold.take(at, weight)).toBe(0)
          expect(told).toEqual(untold)
        }
      }),
    )
  })

  test('what is refused passes after retryAfterMs, and not a millisecond earlier', () => {
    const anyStart = fc.oneof(fc.nat({ max: 1000 }), fc.double({ min: -1e9, max: 1e9, noNaN: true }))
    fc.assert(
      fc.property(anyLimit, anyTraffic, anyStart, (limit, traffic, start) => {
        const gcra = new Gcra(limit)
        let at = start
        for (const { afterMs, weight } of traffic) {
          at += afterMs
          const retryAfterMs = gcra.take(at, weight)
          if (weight > limit.burst) expect(retryAfterMs).toBe(Infinity)
          else if (retryAfterMs > 0) {
            expect(Number.isInteger(retryAfterMs)).toBe(true)
            expect(gcra.retryAfterMs(at + retryAfterMs, weight)).toBe(0)
            expect(gcra.retryAfterMs(at + retryAfterMs - 1.000001, weight)).toBeGreaterThan(0)
          }
        }
      }),
      { numRuns: scaled(500) },
    )
  })

  test('what is refused passes after retryAfterMs, also where numbers are rounded', () => {
    const gcra = new Gcra({ rate: 1, perMs: 5, burst: 4 })
    const start = 2.300298618251873e-9
    gcra.take(start, 4)
    const at = start + 1
    const retryAfterMs = gcra.take(at, 4)
    expect(gcra.take(at + retryAfterMs, 4)).toBe(0)
  })

  test('what is taken as early as may be passes, and loses nothing of the rate but roundings', () => {
    fc.assert(
      fc.property(anyLimit, fc.double({ min: 0, max: 1e9, noNaN: true }), ({ rate, perMs }, start) => {
        const gcra = new Gcra({ rate, perMs })
        expect(gcra.take(start)).toBe(0)
        for (let count = 1; count < 50; count++) {
          const at = gcra.passesAt(1)
          expect(gcra.take(at)).toBe(0)
          expect(Math.abs(at - (start + (count * perMs) / rate))).toBeLessThan(1e-4)
        }
      }),
    )
  })

  test.each([3, 7, 999])('at a rate of %s a second nothing drifts in ten million milliseconds', (rate) => {
    const seconds = scaled(10_000)
    const gcra = new Gcra({ rate, perMs: 1000, burst: 2 })
    let at = 0.1
    let count = 0
    gcra.take(at)
    gcra.take(at)
    for (; at < seconds * 1000; count++) {
      at = gcra.passesAt(1)
      if (gcra.take(at) !== 0) throw new Error(`refused at ${at}`)
    }
    expect(count).toBe(rate * seconds)
    expect(at).toBeCloseTo(0.1 + (count * 1000) / rate, 7)
  })

  test('is idle once its burst is whole again', () => {
    const gcra = new Gcra({ rate: 2, perMs: 1000, burst: 3 })
    expect(gcra.isIdle(0)).toBe(true)
    for (let i = 0; i < 3; i++) gcra.take(0)
    expect([gcra.isIdle(1499), gcra.isIdle(1500)]).toEqual([false, true])
  })

  test('what always conformed has no first time', () => {
    const gcra = new Gcra({ rate: 1, perMs: 10, burst: 2 })
    expect(gcra.passesAt(2)).toBe(-Infinity)
    gcra.take(5)
    expect([gcra.passesAt(1), gcra.passesAt(2)]).toEqual([-Infinity, 15])
  })

  test.each([0, -1, NaN])('a weight of %s is refused and changes nothing', (weight) => {
    const gcra = new Gcra({ rate: 1 })
    expect(() => gcra.take(0, weight)).toThrow(`weight must be a number above 0, got ${weight}`)
    expect(gcra).toEqual(new Gcra({ rate: 1 }))
  })

  const bad: readonly (readonly [string, unknown, typeof Error])[] = [
    ['rate must be a whole number from 1', {}, TypeError],
    ['rate must be a whole number from 1', { rate: 0 }, RangeError],
    ['rate must be a whole number from 1', { rate: 0.5 }, RangeError],
    ['perMs must be a whole number from 1', { rate: 1, perMs: 0 }, RangeError],
    ['burst must be a whole number from 1', { rate: 1, burst: 0 }, RangeError],
  ]
  test.each(bad)('%s: %j is refused', (message, limit, type) => {
    const create = (): unknown => new Gcra(limit as { rate: number })
    expect(create).toThrow(type)
    expect(create).toThrow(message)
  })
})
