import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import type { RandomSource } from '../../operators/index.ts'

/**
 * Sources of random numbers, one for each that draws, so that how often one draws does not change what another gets:
 * the first, the second, … source of a seed are always the same, and they do not overlap for 2 ** 64 numbers.
 *
 * @param seed A whole number, of which the lower 32 bits count.
 */
export function seededSources(seed: number): () => RandomSource {
  const next = xoroshiro128plus(seed)
  // Neighbouring seeds begin alike.
  for (let skipped = 0; skipped < 64; skipped++) next.next()
  return () => {
    const generator = next.clone()
    next.jump()
    return () => uniformFloat64(generator)
  }
}
