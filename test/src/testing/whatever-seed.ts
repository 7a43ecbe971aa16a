import * as fc from 'fast-check'
import { scaled } from '../../effort.ts'

/**
 * Tries something with so many seeds where other properties draw a hundred cases: `FC_RUNS` draws more of both. They
 * are the same each time, unless `FC_SEED` says otherwise: a bound for what shrinks is seen to hold, not proven.
 */
export async function whateverSeed(count: number, judge: (seed: number) => Promise<void>): Promise<void> {
  const { numRuns = 100, seed = 1 } = fc.readConfigureGlobal()
  // Every seed is as good as another: the one that fails is not to be shrunk.
  await fc.assert(fc.asyncProperty(fc.noBias(fc.integer()), judge), {
    numRuns: scaled(Math.ceil((count * numRuns) / 100)),
    seed,
    endOnFailure: true,
  })
}
