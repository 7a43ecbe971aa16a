/**
 * How many entries of the full-text index one search may walk through. At half a microsecond each it is a millisecond
 * however large the index is; an index of fewer passages loses no word that tells anything.
 */
export const entryBudget = 2_000

/**
 * The terms of a question that are worth their cost, in their order: the rarest first while the entries that they
 * have in the index together fit the budget, and the rarest of all in any case. Terms with no entry are left out.
 *
 * Frequent terms cost the most and tell the least: BM25 weighs a term by the logarithm of its rarity.
 *
 * @param countOf How many passages hold a term.
 */
export function rarestTerms(
  terms: readonly string[],
  countOf: (term: string) => number,
  budget: number,
): readonly string[] {
  const found = terms.map((term) => ({ term, count: countOf(term) })).filter(({ count }) => count > 0)
  const kept = new Set<string>()
  let entries = 0
  for (const { term, count } of found.toSorted((a, b) => a.count - b.count)) {
    entries += count
    if (kept.size > 0 && entries > budget) break
    kept.add(term)
  }
  return terms.filter((term) => kept.has(term))
}
