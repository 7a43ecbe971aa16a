import { foldCase, isInvisible, isWordCharacter } from './fold-case.ts'

/** Text in use has no more on one character; those beyond count as a character of their own. */
const maxMarks = 30

const mark = /^\p{M}$/u
const marksAtEnd = /\p{M}+$/u

/**
 * A character and the marks behind it, which mean the same in any order that Unicode's canonical ordering makes equal.
 *
 * @see https://www.unicode.org/reports/tr15/#Stream_Safe_Text_Format (for the number of marks)
 */
export class MarkedCharacter {
  /** Whether it is part of a word. */
  readonly isWord: boolean
  /** What it becomes without marks, by `foldCase`: what it becomes with them begins so. Empty for a mark that is alone. */
  readonly head: string
  #text: string
  #marks = 0

  constructor(character: string) {
    this.#text = character
    this.isWord = isWordCharacter(character)
    const isPlain = character.charCodeAt(0) < 128
    this.head = foldCase(isPlain ? character : character.normalize('NFKD').replace(marksAtEnd, ''))
  }

  /** What it becomes by `foldCase`. */
  get folded(): string {
    return foldCase(this.#text)
  }

  /** Adds a mark; whether it is one, and belongs here. */
  add(character: string): boolean {
    if (character.charCodeAt(0) < 128 || this.#marks === maxMarks || !mark.test(character)) return false
    this.#text += character
    this.#marks++
    return true
  }
}

/** The characters of a text with their marks, without what cannot be seen. */
export function markedCharacters(text: string): readonly MarkedCharacter[] {
  const characters: MarkedCharacter[] = []
  for (const character of text) {
    if (isInvisible(character) || characters.at(-1)?.add(character) === true) continue
    characters.push(new MarkedCharacter(character))
  }
  return characters
}
