import { type MatchHandling, MatchedText } from './matched-text.ts'
import { noRune, type PatternProgram } from './pattern-program.ts'
import { PatternRun } from './pattern-run.ts'
import type { FilterEnding, TextFilter } from './text-filter.ts'

/**
 * Finds the matches of a program in text that comes in pieces cut anywhere, from the left, none over another.
 *
 * Text from the beginning of an attempt on is held back: at most `maxMatch` units and one character.
 */
export class PatternTextFilter implements TextFilter {
  readonly #program: PatternProgram
  readonly #run: PatternRun
  readonly #result: MatchedText
  /** Text that is held back; an attempt under way began with its first unit. */
  #text = ''
  /** The position of the text's first unit in the whole. */
  #base = 0
  /** The unit in front of the text. */
  #before = noRune

  constructor(program: PatternProgram, maxMatch: number, handling: MatchHandling) {
    this.#program = program
    this.#run = new PatternRun(program, maxMatch)
    this.#result = new MatchedText(handling)
  }

  get ended(): FilterEnding | undefined {
    return this.#result.ended
  }

  push(piece: string): string {
    this.#text += piece
    this.#search(false)
    return this.#result.take()
  }

  end(): string {
    this.#search(true)
    return this.#result.take()
  }

  #search(whole: boolean): void {
    const text = this.#text
    let start = 0
    let given = 0
    for (;;) {
      if (!this.#run.running) {
        start = this.#nextStart(start, whole)
        const rune = this.#runeAt(start, whole)
        if (rune === undefined || rune === noRune) break
        this.#run.begin(this.#base + start)
      }
      if (!this.#decide(whole)) break
      const { matchEnd } = this.#run
      if (matchEnd < 0) {
        start += widthOf(text.codePointAt(start))
        continue
      }
      this.#result.keep(text.slice(given, start))
      this.#result.match()
      if (this.#result.ended !== undefined) return
      start = given = matchEnd - this.#base
    }
    this.#result.keep(text.slice(given, start))
    if (start === 0) return
    this.#before = text.charCodeAt(start - 1)
    this.#base += start
    this.#text = text.slice(start)
  }

  /** The next place at which a match may begin, or where the text that is known ends. */
  #nextStart(from: number, whole: boolean): number {
    for (let start = from; ;) {
      const rune = this.#runeAt(start, whole)
      if (rune === undefined || rune === noRune || this.#program.mayStart(rune)) return start
      start += widthOf(rune)
    }
  }

  /** Whether the attempt is over: it is not if it has to see text that has yet to come. */
  #decide(whole: boolean): boolean {
    while (this.#run.running) {
      const index = this.#run.position - this.#base
      const rune = this.#runeAt(index, whole)
      if (rune === undefined) return false
      this.#run.step(index === 0 ? this.#before : this.#text.charCodeAt(index - 1), rune)
    }
    return true
  }

  /** The character there, `noRune` behind the last; `undefined` where it has yet to come. */
  #runeAt(index: number, whole: boolean): number | undefined {
    const rune = this.#text.codePointAt(index)
    if (rune === undefined) return whole ? noRune : undefined
    const half = rune >= 0xd800 && rune <= 0xdbff && index === this.#text.length - 1
    return half && !whole ? undefined : rune
  }
}

function widthOf(rune: number | undefined): number {
  return rune !== undefined && rune > 0xffff ? 2 : 1
}
