import type { TextFilter } from '../stages/text-filter.ts'
import { beginsWord } from './boundaries.ts'
import { more, none, type Recogniser } from './recogniser.ts'
import { lookBehind } from './words-before.ts'

/** What is put in the place of an entity. */
export type Replacement = (recogniser: Recogniser, entity: string) => string

/** Recognisers, ordered by what a text can begin with, so that most places ask none of them. */
export interface RecogniserTable {
  readonly ascii: readonly (readonly Recogniser[])[]
  readonly other: readonly Recogniser[]
}

export function tableOf(recognisers: readonly Recogniser[]): RecogniserTable {
  return {
    ascii: Array.from({ length: 128 }, (_, unit) => recognisers.filter((recogniser) => recogniser.starts(unit))),
    other: recognisers,
  }
}

/**
 * Replaces the entities in a text that comes in pieces; the result does not depend on how it is cut.
 *
 * It goes through the text from left to right and asks, at each place where a word can begin, which recognisers see
 * an entity there. The longest is taken, among equals that of the first recogniser, and the search goes on behind
 * it. A place that cannot be decided yet is where the text that is held back begins: that is at most the longest
 * entity and what is looked at behind it.
 */
export class RedactionEngine implements TextFilter {
  readonly #table: RecogniserTable
  readonly #replacement: Replacement
  /** What is undecided, and before it what recognisers may look back at. */
  #text = ''
  #at = 0

  constructor(table: RecogniserTable, replacement: Replacement) {
    this.#table = table
    this.#replacement = replacement
  }

  push(piece: string): string {
    this.#text += piece
    const safe = this.#advance(false)
    const behind = this.#at - lookBehind
    if (behind > 0) {
      this.#text = this.#text.slice(behind)
      this.#at = lookBehind
    }
    return safe
  }

  end(): string {
    const rest = this.#advance(true)
    this.#text = ''
    this.#at = 0
    return rest
  }

  #advance(final: boolean): string {
    const text = this.#text
    let result = ''
    let copied = this.#at
    let at = copied
    while (at < text.length) {
      const entity = this.#longestAt(text, at, final)
      if (entity === more) break
      if (entity === none) {
        at += 1
        continue
      }
      result += text.slice(copied, at) + this.#replacement(entity.recogniser, text.slice(at, entity.end))
      at = copied = entity.end
    }
    this.#at = at
    return result + text.slice(copied, at)
  }

  #longestAt(
    text: string,
    at: number,
    final: boolean,
  ): { readonly recogniser: Recogniser; readonly end: number } | typeof none | typeof more {
    const unit = text.charCodeAt(at)
    const recognisers = unit < 128 ? this.#table.ascii[unit] : this.#table.other
    if (recognisers === undefined || recognisers.length === 0 || !beginsWord(text, at)) return none
    let longest: { readonly recogniser: Recogniser; readonly end: number } | typeof none = none
    for (const recogniser of recognisers) {
      if (unit >= 128 && !recogniser.starts(unit)) continue
      const end = recogniser.match(text, at, final)
      if (end === more) return more
      if (end !== none && (longest === none || end > longest.end)) longest = { recogniser, end }
    }
    return longest
  }
}
