import { isInvisible, isWordCharacter } from './fold-case.ts'
import { MarkedCharacter } from './marked-character.ts'
import { MatchFilter, type MatchHandling } from './match-filter.ts'
import type { WordAutomaton, WordState } from './word-automaton.ts'

/** So many invisible characters may stand behind one that may belong to a word; those beyond are left out. */
const maxInvisible = 64

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
 * those that begin at one place the longest. A character counts with its marks, and invisible ones do not count.
 *
 * What is held back is what may become one of the words: no more characters than the longest has units, and one, each
 * with marks and invisible characters.
 */
export class WordTextFilter extends MatchFilter {
  readonly #automaton: WordAutomaton
  /** Half of a pair, which waits for the other. */
  #half = ''
  /** Text from `#base` on: what is held back. */
  #text = ''
  #base = 0
  /** Up to here text was given, or replaced. */
  #given = 0
  /** Where the text ends. */
  #end = 0
  /** The last character, to which marks may still come, and where what can be seen of it ends. */
  #last: MarkedCharacter | undefined
  #lastEnd = 0
  /** How many invisible characters are behind it. */
  #invisible = 0
  /** How many units the characters before it have, and how far they agree with the words. */
  #units = 0
  #state: WordState
  /** How far they do together with its head. */
  #ahead: WordState
  /** The characters that may belong to a word. */
  readonly #places: Place[] = []
  /** Words by their beginning, the longer first; an earlier or a longer one may still win. */
  #found: Found[] = []

  constructor(automaton: WordAutomaton, handling: MatchHandling) {
    super(handling)
    this.#automaton = automaton
    this.#state = this.#ahead = automaton.start
  }

  protected override search(piece: string): void {
    const text = this.#half + piece
    const end = text.length - (isHighSurrogate(text.charCodeAt(text.length - 1)) ? 1 : 0)
    this.#half = text.slice(end)
    for (const character of text.slice(0, end)) {
      this.#read(character)
      if (this.ended !== undefined) return
    }
    this.#settle(this.#open())
  }

  protected override finish(): void {
    if (this.#half !== '') this.#read(this.#half)
    this.#close(false)
    this.#settle(this.#end)
  }

  #read(character: string): void {
    if (isInvisible(character)) {
      // Where no word may stand nothing is held back, so that there is nothing to bound.
      if (this.#places.length === 0 || this.#invisible++ < maxInvisible) this.#append(character)
      return
    }
    if (this.#last?.add(character) !== true) this.#begin(character)
    this.#append(character)
    this.#lastEnd = this.#end
    this.#pick(this.#open())
  }

  #append(character: string): void {
    this.#text += character
    this.#end += character.length
  }

  #begin(character: string): void {
    const afterWord = this.#last?.isWord === true
    this.#close(isWordCharacter(character))
    this.#places.push({ start: this.#end, units: this.#units, afterWord })
    this.#last = new MarkedCharacter(character)
    this.#ahead = this.#automaton.run(this.#state, this.#last.head)
    this.#invisible = 0
  }

  /** No more marks come to the last character. */
  #close(beforeWord: boolean): void {
    if (this.#last === undefined) return
    const { head, folded } = this.#last
    this.#state = folded === head ? this.#ahead : this.#automaton.run(this.#state, folded)
    this.#units += folded.length
    this.#note(beforeWord)
  }

  /** Notes the words that are complete with the last character. */
  #note(beforeWord: boolean): void {
    for (let state: WordState | undefined = this.#state; state !== undefined; state = state.shorter) {
      const { word } = state
      if (word === undefined || (word.boundAfter && beforeWord)) continue
      const first = this.#units - word.length
      const place = this.#places.findLast(({ units }) => units <= first)
      if (place?.units !== first || (word.boundBefore && place.afterWord)) continue
      this.#insert({ start: place.start, end: this.#lastEnd })
    }
  }

  #insert(found: Found): void {
    if (found.start < this.#given) return
    const place = this.#found.findIndex(
      ({ start, end }) => start > found.start || (start === found.start && end < found.end),
    )
    this.#found.splice(place < 0 ? this.#found.length : place, 0, found)
  }

  /** From where on text may still become a word: whatever marks come to the last character, it begins with its head. */
  #open(): number {
    if (this.#last === undefined) return this.#end
    const { head } = this.#last
    const first = this.#units + head.length - this.#ahead.depth
    while ((this.#places[1]?.units ?? Infinity) <= first) this.#places.shift()
    if (this.#ahead.depth === 0 && head !== '') this.#places.length = 0
    return this.#places[0]?.start ?? this.#end
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

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}
