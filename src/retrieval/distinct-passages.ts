import type { Passage } from './retriever.ts'

/** A passage that was found, and where it stands in its document. */
export interface FoundPassage {
  readonly passage: Passage
  readonly document: number
  /** Counts up by one from each passage of a document to the next. */
  readonly position: number
}

/** Shorter repetitions are chance. */
const shortestOverlap = 20

/** What would grow longer by merging stays apart, in UTF-16 units. */
const longestMerged = 5_000

interface Kept {
  passage: Passage
  readonly document: number
  first: number
  last: number
}

/**
 * The best passages without repetitions, at most `topK`: a text that stands under the same heading in several
 * documents is given once, as the best one, and neighbours in a document that share text become one passage, with
 * the place, the score and the headings of the better one. No more are looked at than that takes.
 *
 * Pure.
 *
 * @param found Best first.
 */
export function distinctPassages(found: Iterable<FoundPassage>, topK: number): readonly Passage[] {
  const kept: Kept[] = []
  const seen = new Set<string>()
  for (const { passage, document, position } of found) {
    const identity = JSON.stringify([passage.headings.at(-1), passage.text])
    if (seen.has(identity)) continue
    const joined = kept.some((other) => other.document === document && join(other, passage.text, position))
    if (!joined && kept.length === topK) break
    seen.add(identity)
    if (!joined) kept.push({ passage, document, first: position, last: position })
  }
  return kept.map(({ passage }) => passage)
}

/** Joins a text to a passage that is its neighbour; `false` where they are none or share nothing. */
function join(kept: Kept, text: string, position: number): boolean {
  const follows = position === kept.last + 1
  if (!follows && position !== kept.first - 1) return false
  const [before, after] = follows ? [kept.passage.text, text] : [text, kept.passage.text]
  const shared = overlap(before, after)
  if (shared < shortestOverlap || before.length + after.length - shared > longestMerged) return false
  kept.passage = { ...kept.passage, text: before + after.slice(shared) }
  if (follows) kept.last = position
  else kept.first = position
  return true
}

/**
 * The length of the longest end of one text that the other begins with, in a time that grows with their length.
 *
 * @see Knuth, Morris and Pratt: Fast pattern matching in strings, SIAM Journal on Computing 6 (1977)
 */
export function overlap(before: string, after: string): number {
  const end = before.slice(-after.length)
  const borders = new Uint32Array(after.length)
  const grow = (length: number, char: string | undefined): number => {
    while (length > 0 && (length === after.length || after[length] !== char)) length = borders[length - 1] ?? 0
    return after[length] === char && length < after.length ? length + 1 : length
  }
  for (let at = 1; at < after.length; at++) borders[at] = grow(borders[at - 1] ?? 0, after[at])
  let length = 0
  for (const char of end.split('')) length = grow(length, char)
  return length
}
