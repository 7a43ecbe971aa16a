import { foldCase, isWordCharacter } from './fold-case.ts'
import { MatchFilter, type MatchHandling } from './match-filter.ts'
import type { WordAutomaton, WordState } from './word-automaton.ts'

/** Where a word was found. All positions are those of the whole text. */
interface Found {
  readonly start: number
  readonly end: number
}

/** A character that may belong to a word; a character may fold into several units. */
interface Place {
  readonly start: number
  /** How many units were read before it. */
  readonly units: number
  /** Whether the character in front of it is part of a word. */
  readonly afterWord: boolean
}

/**
 * Finds the words of an automaton in text that comes in pieces cut anywhere: from the left, none over another, of
 * those that begin at one place the longest.
 *
 * What is held back is what may become one of the words: no more characters than the longest has units, and one.
 */
export class WordTextFilter extends MatchFilter {
  readonly #automaton: WordAutomaton
  #state: WordState
  /** Text from `#base` on: what is held back. */
  #text = ''
  #base = 0
  /** Up to here text was given, or replaced. */
  #given = 0
  /** Where the next character begins. */
  #read = 0
  /** How many units were read. */
  #units = 0
  #afterWord = false
  /** The characters that may belong to a word. */
  readonly #places: Place[] = []
  /** Words that end in front of the next character, and are words only if it is not part of one. */
  #unbounded: Found[] = []
  /** Words by their beginning, the longer first; an earlier or a longer one may still win. */
  #found: Found[] = []

  constructor(automaton: WordAutomaton, handling: MatchHandling) {
    super(handling)
    this.#automaton = automaton
    this.#state = automaton.start
  }

  protected override search(piece: string): void {
    this.#text += piece
    this.#find(false)
  }

  protected override finish(): void {
    this.#find(true)
    this.#bound(false)
    this.#settle(this.#read)
  }

  #find(whole: boolean): void {
    const end = this.#base + this.#text.length
    while (this.#read < end) {
      const character = characterAt(this.#text, this.#read - this.#base)
      // Half a pair waits for the other.
      if (!whole && this.#read === end - 1 && isHighSurrogate(character)) break
      this.#take(character)
      this.#pick(this.#open())
      if (this.ended !== undefined) return
    }
    this.#settle(this.#open())
  }

  #take(character: string): void {
    const isWord = isWordCharacter(character)
    this.#bound(isWord)
    this.#places.push({ start: this.#read, units: this.#units, afterWord: this.#afterWord })
    const folded = foldCase(character)
    for (let index = 0; index < folded.length; index++) {
      this.#state = this.#automaton.step(this.#state, folded.charCodeAt(index))
    }
    this.#units += folded.length
    this.#read += character.length
    this.#afterWord = isWord
    this.#note()
  }

  /** Notes the words that are complete here. */
  #note(): void {
    for (let state: WordState | undefined = this.#state; state !== undefined; state = state.shorter) {
      const { word } = state
      if (word === undefined) continue
      const first = this.#units - word.length
      const place = this.#places.findLast(({ units }) => units <= first)
      if (place?.units !== first || (word.boundBefore && place.afterWord)) continue
      const found = { start: place.start, end: this.#read }
      if (word.boundAfter) this.#unbounded.push(found)
      else this.#insert(found)
    }
  }

  /** The character behind the words that were complete is known. */
  #bound(isWord: boolean): void {
    if (this.#unbounded.length === 0) return
    if (!isWord) for (const found of this.#unbounded) this.#insert(found)
    this.#unbounded = []
  }

  #insert(found: Found): void {
    if (found.start < this.#given) return
    const place = this.#found.findIndex(
      ({ start, end }) => start > found.start || (start === found.start && end < found.end),
    )
    this.#found.splice(place < 0 ? this.#found.length : place, 0, found)
  }

  /** From where on text may still become a word. */
  #open(): number {
    const first = this.#units - this.#state.depth
    while ((this.#places[1]?.units ?? Infinity) <= first) this.#places.shift()
    if (this.#state.depth === 0) this.#places.length = 0
    return this.#places[0]?.start ?? this.#read
  }

  /** Takes the words that begin before `open`: no earlier or longer one can come any more. */
  #pick(open: number): void {
    while (this.ended === undefined) {
      const first = this.#found[0]
      if (first === undefined || first.start >= open) return
      this.#give(first.start)
      this.match()
      this.#given = first.end
      this.#found = this.#found.filter(({ start }) => start >= first.end)
    }
  }

  /** Gives the text before `open`, words replaced. */
  #settle(open: number): void {
    this.#pick(open)
    if (this.ended !== undefined) return
    this.#give(open)
    this.#text = this.#text.slice(open - this.#base)
    this.#base = open
  }

  #give(end: number): void {
    if (end <= this.#given) return
    this.keep(this.#text.slice(this.#given - this.#base, end - this.#base))
    this.#given = end
  }
}

function characterAt(text: string, index: number): string {
  return String.fromCodePoint(text.codePointAt(index) as number)
}

function isHighSurrogate(character: string): boolean {
  const unit = character.charCodeAt(0)
  return character.length === 1 && unit >= 0xd800 && unit <= 0xdbff
}
