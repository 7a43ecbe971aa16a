/** The buckets' upper bounds in milliseconds: 100 µs … 10 s. */
const boundsMs = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000] as const

/**
 * Durations counted in fixed buckets in a typed array: an observation costs a few nanoseconds, allocates
 * nothing and looks nothing up.
 */
export class LatencyHistogram {
  static readonly boundsMs: readonly number[] = boundsMs
  /** One count for each bucket and one for what is beyond the last; not cumulative. */
  private readonly counts: Float64Array = new Float64Array(boundsMs.length + 1)
  private sum = 0
  private least = Infinity
  private most = 0
  private observations = 0

  get count(): number {
    return this.observations
  }

  get sumMs(): number {
    return this.sum
  }

  /** 0 before the first observation. */
  get meanMs(): number {
    return this.observations === 0 ? 0 : this.sum / this.observations
  }

  /** Counts one duration. */
  observe(durationMs: number): void {
    let bucket = 0
    while (bucket < boundsMs.length && durationMs > (boundsMs[bucket] as number)) bucket += 1
    this.counts[bucket] = (this.counts[bucket] as number) + 1
    this.sum += durationMs
    if (durationMs < this.least) this.least = durationMs
    if (durationMs > this.most) this.most = durationMs
    this.observations += 1
  }

  /** How many observations were at most each bound, in the order of `boundsMs`. */
  cumulative(): readonly number[] {
    let total = 0
    return boundsMs.map((_, bucket) => (total += this.counts[bucket] as number))
  }

  /**
   * The duration that a share of the observations did not exceed, interpolated within its bucket, and
   * never outside what was observed; 0 before the first observation.
   *
   * @param share 0 … 1, e.g. 0.99.
   */
  quantileMs(share: number): number {
    if (this.observations === 0) return 0
    const rank = share * this.observations
    let below = 0
    for (let bucket = 0; bucket < boundsMs.length; bucket++) {
      const inBucket = this.counts[bucket] as number
      if (below + inBucket >= rank && inBucket > 0) {
        const lower = bucket === 0 ? 0 : (boundsMs[bucket - 1] as number)
        const upper = boundsMs[bucket] as number
        const estimate = lower + ((upper - lower) * (rank - below)) / inBucket
        return Math.min(this.most, Math.max(this.least, estimate))
      }
      below += inBucket
    }
    return this.most
  }
}
