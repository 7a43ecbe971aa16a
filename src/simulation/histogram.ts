import { checkArray, checkNumber, type RandomSource } from '../../operators/index.ts'

/** Durations counted in buckets, as Prometheus has them. */
export interface Histogram {
  /** The buckets' upper bounds in milliseconds, ascending, the first more than 0. */
  readonly boundsMs: readonly number[]
  /** How many fell into each bucket, and last into the one beyond the bounds; not cumulative. */
  readonly counts: readonly number[]
  /**
   * Their true mean, by which what is drawn is scaled: within a bucket only a guess is possible. Default: it is not
   * scaled.
   */
  readonly meanMs?: number
}

/** @throws RangeError or TypeError that names what is wrong. */
export function checkHistogram(option: string, histogram: Histogram): Histogram {
  const { boundsMs, counts, meanMs } = histogram
  checkArray(`${option}.boundsMs`, boundsMs)
  checkArray(`${option}.counts`, counts)
  if (boundsMs.length === 0) throw new RangeError(`${option}.boundsMs must not be empty`)
  let least = 0
  for (const [index, bound] of boundsMs.entries()) {
    checkNumber(`${option}.boundsMs[${index}]`, bound)
    if (bound <= least) throw new RangeError(`${option}.boundsMs[${index}] must be more than ${least}, got ${bound}`)
    least = bound
  }
  if (counts.length !== boundsMs.length + 1) {
    const expected = `${boundsMs.length + 1} numbers, one for each bound and one beyond`
    throw new RangeError(`${option}.counts must be ${expected}, got ${counts.length}`)
  }
  for (const [index, count] of counts.entries()) checkNumber(`${option}.counts[${index}]`, count)
  if (counts.every((count) => count === 0)) throw new RangeError(`${option}.counts must not all be 0`)
  if (meanMs !== undefined) checkNumber(`${option}.meanMs`, meanMs, { min: Number.MIN_VALUE })
  return histogram
}

/**
 * Draws durations as a histogram has them: a bucket by its count, and within it evenly on a logarithmic scale, as the
 * bounds of such buckets grow. The first begins at half its bound, the one beyond ends at twice the last bound.
 */
export function drawFromHistogram({ boundsMs, counts, meanMs }: Histogram, random: RandomSource): () => number {
  const upper = [...boundsMs, 2 * (boundsMs.at(-1) as number)]
  const lower = [(boundsMs[0] as number) / 2, ...boundsMs]
  let total = 0
  const upTo = counts.map((count) => (total += count))
  const scale = meanMs === undefined ? 1 : meanMs / meanOf({ lower, upper, counts, total })
  return () => {
    const rank = random() * total
    const bucket = upTo.findIndex((sum) => rank < sum)
    const from = lower[bucket] as number
    return scale * from * ((upper[bucket] as number) / from) ** random()
  }
}

function meanOf({
  lower,
  upper,
  counts,
  total,
}: Readonly<Record<'lower' | 'upper' | 'counts', readonly number[]>> & { readonly total: number }): number {
  // What is even on a logarithmic scale from a to b has the mean (b − a) / ln(b / a).
  const sum = counts.reduce((before, count, bucket) => {
    const from = lower[bucket] as number
    const to = upper[bucket] as number
    return before + (count * (to - from)) / Math.log(to / from)
  }, 0)
  return sum / total
}
