/**
 * The known name that was probably meant: the one that takes the fewest changes of a character, at most one in three;
 * `undefined` where none is so near.
 */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const changes = known.map((candidate) => changesBetween(name.toLowerCase(), candidate.toLowerCase()))
  const fewest = Math.min(...changes)
  return fewest <= Math.max(1, Math.floor(name.length / 3)) ? known[changes.indexOf(fewest)] : undefined
}

/**
 * Characters that are put in, left out, replaced, or swapped with their neighbour.
 *
 * @see https://en.wikipedia.org/wiki/Damerau%E2%80%93Levenshtein_distance, optimal string alignment
 */
function changesBetween(from: string, to: string): number {
  let before: readonly number[] = []
  let row: readonly number[] = Array.from({ length: to.length + 1 }, (_, at) => at)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      const same = from[i - 1] === to[j - 1]
      const swapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]
      const replaced = (row[j - 1] as number) + (same ? 0 : 1)
      const moved = swapped ? (before[j - 2] as number) + 1 : Infinity
      next.push(Math.min(replaced, moved, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    ;[before, row] = [row, next]
  }
  return row[to.length] as number
}
