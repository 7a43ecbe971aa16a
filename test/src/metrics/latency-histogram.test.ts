import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LatencyHistogram } from '../../../src/metrics/latency-histogram.ts'

function of(...durations: readonly number[]): LatencyHistogram {
  const histogram = new LatencyHistogram()
  for (const duration of durations) histogram.observe(duration)
  return histogram
}

describe('LatencyHistogram', () => {
  it('has the bounds that the contract names, in milliseconds', () => {
    expect(LatencyHistogram.boundsMs).toEqual(expect.arrayContaining([0.1, 1, 10, 100, 1000, 5000, 10_000]))
    expect(LatencyHistogram.boundsMs[0]).toBe(0.1)
    expect(LatencyHistogram.boundsMs.at(-1)).toBe(10_000)
    expect(LatencyHistogram.boundsMs).toEqual(LatencyHistogram.boundsMs.toSorted((a, b) => a - b))
  })

  it('says nothing before the first observation', () => {
    const { count, sumMs, meanMs } = of()
    expect({ count, sumMs, meanMs, median: of().quantileMs(0.5) }).toEqual({ count: 0, sumMs: 0, meanMs: 0, median: 0 })
  })

  it('counts a duration on a bound in that bucket, and one beyond all bounds in none', () => {
    const histogram = of(1, 1.01, 20_000)
    const below = (bound: number): number => histogram.cumulative()[LatencyHistogram.boundsMs.indexOf(bound)]!
    expect([below(0.5), below(1), below(2.5), below(10_000)]).toEqual([0, 1, 2, 2])
    expect(histogram.count).toBe(3)
    expect(histogram.quantileMs(1)).toBe(20_000)
  })

  it('interpolates within a bucket, and never beyond what was observed', () => {
    expect(of(51, 60, 90, 99).quantileMs(0.5)).toBe(75)
    expect(of(60, 60, 60, 60).quantileMs(0.5)).toBe(60)
  })

  it('counts, sums and ranks as the list of the durations would', () => {
    const durations = fc.array(fc.double({ min: 0, max: 12_000, noNaN: true }), { minLength: 1, maxLength: 50 })
    fc.assert(
      fc.property(durations, fc.double({ min: 0, max: 1, noNaN: true }), (list, share) => {
        const histogram = of(...list)
        expect(histogram.count).toBe(list.length)
        expect(histogram.meanMs).toBeCloseTo(list.reduce((sum, ms) => sum + ms, 0) / list.length)
        for (const [index, bound] of LatencyHistogram.boundsMs.entries()) {
          expect(histogram.cumulative()[index]).toBe(list.filter((ms) => ms <= bound).length)
        }
        // The estimate lies in the bucket of the duration that it estimates.
        const sorted = list.toSorted((a, b) => a - b)
        const exact = sorted[Math.max(0, Math.ceil(share * list.length) - 1)]!
        const upper = LatencyHistogram.boundsMs.find((bound) => exact <= bound) ?? Math.max(...list)
        const lower = LatencyHistogram.boundsMs.findLast((bound) => bound < exact) ?? 0
        expect(histogram.quantileMs(share)).toBeGreaterThanOrEqual(lower)
        expect(histogram.quantileMs(share)).toBeLessThanOrEqual(upper)
      }),
    )
  })
})
