/** What one way of searching has found: best first and without repetitions; greater scores are better. */
export type Ranking = readonly { readonly id: number; readonly score: number }[]

/** A place in the fused ranking. */
export interface Fused {
  readonly id: number
  /** 0 … 1, greater is better. */
  readonly score: number
  /** The place in each ranking, from 1; `undefined` where the ranking does not have it. */
  readonly ranks: readonly (number | undefined)[]
}

/**
 * Fuses rankings into one by their scores: in each ranking a score becomes its place between the last, 0, and the
 * best, 1, whatever has none gets 0, and what counts is the mean. So scores of different kinds become comparable,
 * and one that stands out in its ranking stands out in the fusion. Equal means keep the order of the rankings.
 *
 * @example
 * ```ts
 * const words = [{ id: 7, score: 8 }, { id: 3, score: 6 }, { id: 5, score: 2 }]
 * const vectors = [{ id: 3, score: 0.9 }, { id: 9, score: 0.4 }]
 * fuseRankings([words, vectors]).map(({ id }) => id) // [3, 7, 5, 9]
 * ```
 *
 * @see Bruch, Gai and Ingber: An analysis of fusion functions for hybrid retrieval, ACM Transactions on Information
 * Systems 42 (2023), https://doi.org/10.1145/3596512
 */
export function fuseRankings(rankings: readonly Ranking[]): readonly Fused[] {
  const places = rankings.map((ranking) => new Map(ranking.map(({ id }, index) => [id, index + 1])))
  const sums = new Map<number, number>()
  for (const ranking of rankings) {
    const least = ranking.at(-1)?.score ?? 0
    const range = (ranking[0]?.score ?? 0) - least
    // Where all are alike, each is the best.
    for (const { id, score } of ranking) sums.set(id, (sums.get(id) ?? 0) + (range > 0 ? (score - least) / range : 1))
  }
  return Array.from(sums, ([id, sum]) => ({
    id,
    score: sum / rankings.length,
    ranks: places.map((ranking) => ranking.get(id)),
  })).toSorted((a, b) => b.score - a.score)
}
