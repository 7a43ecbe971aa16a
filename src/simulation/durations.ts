import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'

/** How long something took, in milliseconds, to a thousandth of each; all 0 where there was none. */
export interface DurationFigures {
  readonly count: number
  readonly meanMs: number
  readonly p50Ms: number
  readonly p90Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
  readonly maxMs: number
}

/** How long something took at the most in a share, 0 … 1, of the cases. */
export interface DurationPoint {
  readonly share: number
  readonly ms: number
}

/** Points of a distribution for each tenfold of what is longer, and how many tenfolds: up to a share of 0.9999. */
const pointsPerDecade = 25
const decades = 4

/** Durations, of which all percentiles can be told: an HDR histogram in microseconds. */
export class Durations {
  private readonly histogram: RecordableHistogram = createHistogram({ figures: 3 })
  private sum = 0
  private most = 0

  /** Counts one duration, in milliseconds. */
  record(ms: number): void {
    this.histogram.record(Math.max(1, Math.round(ms * 1_000)))
    this.sum += ms
    if (ms > this.most) this.most = ms
  }

  /** All durations together, in milliseconds. */
  get sumMs(): number {
    return this.sum
  }

  get figures(): DurationFigures {
    const { count } = this.histogram
    return {
      count,
      meanMs: count === 0 ? 0 : this.sum / count,
      p50Ms: this.quantileMs(0.5),
      p90Ms: this.quantileMs(0.9),
      p99Ms: this.quantileMs(0.99),
      p999Ms: this.quantileMs(0.999),
      maxMs: this.most,
    }
  }

  /** From the shortest to what all but one in 10,000 did not exceed, the closer the longer; empty where there was none. */
  get distribution(): readonly DurationPoint[] {
    if (this.histogram.count === 0) return []
    return Array.from({ length: pointsPerDecade * decades + 1 }, (_, index) => {
      const share = 1 - 10 ** (-index / pointsPerDecade)
      return { share, ms: this.quantileMs(share) }
    })
  }

  /** The duration that a share of them, 0 … 1, did not exceed; of none the shortest. */
  quantileMs(share: number): number {
    if (this.histogram.count === 0) return 0
    const us = share === 0 ? this.histogram.min : this.histogram.percentile(share * 100)
    // What is shorter than a microsecond counts as one.
    return us <= 1 ? 0 : Math.min(this.most, us / 1_000)
  }
}
