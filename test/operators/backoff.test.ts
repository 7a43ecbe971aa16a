import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { exponentialBackoff } from '../../operators/index.ts'

describe('exponentialBackoff', () => {
  it('doubles from 100 ms up to 30 s, half of it for certain', () => {
    const least = exponentialBackoff({ random: () => 0 })
    expect([1, 2, 3, 4, 9, 10, 50].map(least)).toEqual([50, 100, 200, 400, 12_800, 15_000, 15_000])
    const middle = exponentialBackoff({ random: () => 0.5 })
    expect([1, 2].map(middle)).toEqual([75, 150])
  })

  it('leaves all of the ceiling to chance with full jitter', () => {
    const delays = (chance: number): number[] =>
      [1, 2, 3, 50].map(exponentialBackoff({ jitter: 'full', random: () => chance }))
    expect(delays(0)).toEqual([0, 0, 0, 0])
    expect(delays(0.75)).toEqual([75, 150, 300, 22_500])
  })

  it('stays a finite number however long the failures go on', () => {
    expect(exponentialBackoff({ random: () => 0 })(100_000)).toBe(15_000)
  })

  it('lies between half of the ceiling and the ceiling, and the ceiling grows by the factor up to the maximum', () => {
    const options = fc.record({
      initialMs: fc.integer({ min: 0, max: 1000 }),
      more: fc.integer({ min: 0, max: 100_000 }),
      factor: fc.double({ min: 1, max: 4, noNaN: true }),
      chance: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      attempt: fc.integer({ min: 1, max: 200 }),
    })
    fc.assert(
      fc.property(options, ({ initialMs, more, factor, chance, attempt }) => {
        const maxMs = initialMs + more
        const delayMs = exponentialBackoff({ initialMs, maxMs, factor, random: () => chance })(attempt)
        const ceiling = Math.min(maxMs, initialMs * factor ** (attempt - 1))
        expect(delayMs).toBeGreaterThanOrEqual(ceiling / 2)
        expect(delayMs).toBeLessThanOrEqual(ceiling)
      }),
    )
  })

  it.each([
    [{ initialMs: -1 }, RangeError, 'initialMs must be a number from 0'],
    [{ initialMs: 500, maxMs: 499 }, RangeError, 'maxMs must be a number from 500'],
    [{ factor: 0.5 }, RangeError, 'factor must be a number from 1'],
    [{ factor: NaN }, RangeError, 'got NaN'],
    [{ maxMs: '1' as never }, TypeError, 'maxMs must be a number'],
    [{ jitter: 'none' as never }, RangeError, 'jitter must be one of "equal", "full"'],
    [{ random: 0.5 as never }, TypeError, 'random must be a function'],
    [{ delayMs: 1 } as never, TypeError, 'backoff: unknown option "delayMs"'],
  ])('refuses %j', (options, kind, message) => {
    expect(() => exponentialBackoff(options)).toThrow(kind)
    expect(() => exponentialBackoff(options)).toThrow(message)
  })
})
