/** A place in the fused ranking. */
export interface Fused {
  readonly id: number
  /** Greater is better. */
  readonly score: number
  /** The place in each ranking, from 1; `undefined` where the ranking does not have it. */
  readonly ranks: readonly (number | undefined)[]
}

/** The constant of the paper: it keeps the first places of one ranking from outweighing what both agree on. */
const k = 60

/**
 * Fuses rankings into one by reciprocal rank: each ranking gives `1 / (60 + place)` to each of its members, so only
 * places count and scores of different kinds need not be comparable. Equal sums keep the order of the rankings.
 *
 * @param rankings Each best first and without repetitions.
 *
 * @example
 * ```ts
 * fuseRankings([[7, 3], [3, 9]]).map(({ id }) => id) // [3, 7, 9]
 * ```
 *
 * @see Cormack, Clarke and Büttcher: Reciprocal rank fusion outperforms Condorcet and individual rank learning
 * methods, SIGIR 2009, https://doi.org/10.1145/1571941.1572114
 */
export function fuseRankings(rankings: readonly (readonly number[])[]): readonly Fused[] {
  const places = rankings.map((ranking) => new Map(ranking.map((id, index) => [id, index + 1])))
  const all = [...new Set(rankings.flat())]
  return all
    .map((id) => {
      const ranks = places.map((ranking) => ranking.get(id))
      return {
        id,
        ranks,
        score: ranks.reduce<number>((sum, rank) => sum + (rank === undefined ? 0 : 1 / (k + rank)), 0),
      }
    })
    .toSorted((a, b) => b.score - a.score)
}
