import type { TextFilter } from './text-filter.ts'

/** A stop sequence, made ready once for all the texts that it is looked for in. */
interface CompiledStop {
  readonly text: string
  /** For each prefix, the length of its longest proper prefix that is a suffix of it, too. */
  readonly borders: readonly number[]
}

/** @param stops None of them empty. */
export function compileStops(stops: readonly string[]): readonly CompiledStop[] {
  return [...new Set(stops)].map((text) => ({ text, borders: bordersOf(text) }))
}

/**
 * Finds the first place where one of several stop sequences is complete, in text that comes in pieces cut anywhere.
 *
 * The earliest end wins, because that is when a stream must end; of the sequences that end there, the longest is
 * cut off. One Knuth-Morris-Pratt automaton for each sequence, on UTF-16 code units.
 *
 * @see https://doi.org/10.1137/0206024 (Knuth, Morris, Pratt: Fast pattern matching in strings)
 */
export class StopMatcher implements TextFilter {
  readonly #sequences: readonly Sequence[]
  /** The end of the text so far that may be the beginning of a stop sequence. */
  #held = ''
  #stopped = false

  /** @param stops By `compileStops`; matchers may share them. */
  constructor(stops: readonly CompiledStop[]) {
    this.#sequences = stops.map(({ text, borders }) => ({ text, borders, matched: 0 }))
  }

  /** Set once a stop sequence is complete. */
  get ended(): 'stop' | undefined {
    return this.#stopped ? 'stop' : undefined
  }

  /** The text that is safe to pass on now that `piece` has come: nothing in it belongs to a stop sequence. */
  push(piece: string): string {
    const text = this.#held + piece
    let position = this.#held.length
    for (; position < text.length; position++) {
      const length = this.#advance(text.charCodeAt(position))
      if (length === 0) continue
      this.#stopped = true
      this.#held = ''
      return text.slice(0, position + 1 - length)
    }
    let longest = 0
    for (const { matched } of this.#sequences) longest = Math.max(longest, matched)
    this.#held = text.slice(text.length - longest)
    return text.slice(0, text.length - longest)
  }

  /** The text that was held back, now that no more will come. */
  end(): string {
    const rest = this.#held
    this.#held = ''
    return rest
  }

  /** The length of the longest sequence that the unit completes, or 0. */
  #advance(unit: number): number {
    let length = 0
    for (const sequence of this.#sequences) {
      const { text, borders } = sequence
      let { matched } = sequence
      while (matched > 0 && text.charCodeAt(matched) !== unit) matched = borders[matched - 1] ?? 0
      if (text.charCodeAt(matched) === unit) matched++
      if (matched === text.length) length = Math.max(length, matched)
      sequence.matched = matched
    }
    return length
  }
}

interface Sequence extends CompiledStop {
  /** How many of its units the text so far ends with. */
  matched: number
}

function bordersOf(text: string): readonly number[] {
  const borders = [0]
  let length = 0
  for (let position = 1; position < text.length; position++) {
    while (length > 0 && text.charCodeAt(length) !== text.charCodeAt(position)) length = borders[length - 1] ?? 0
    if (text.charCodeAt(length) === text.charCodeAt(position)) length++
    borders.push(length)
  }
  return borders
}
