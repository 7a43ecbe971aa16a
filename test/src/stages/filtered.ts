import type { FilterEnding, TextFilter } from '../../../src/stages/text-filter.ts'

/** What a filter makes of a text. */
export interface Filtered {
  readonly text: string
  readonly ended: FilterEnding | undefined
}

/** Sends the pieces of a text through a filter, as the stage does. */
export function filtered(filter: TextFilter, pieces: Iterable<string>): Filtered {
  let text = ''
  for (const piece of pieces) {
    if (piece === '') continue
    text += filter.push(piece)
    if (filter.ended !== undefined) return { text, ended: filter.ended }
  }
  return { text: text + filter.end(), ended: undefined }
}

/** A text, cut at these places; in any order, some may be the same. */
export function cut(text: string, places: readonly number[]): readonly string[] {
  const ends = [...places.toSorted((a, b) => a - b), text.length]
  return ends.map((end, index) => text.slice(ends[index - 1] ?? 0, end))
}
