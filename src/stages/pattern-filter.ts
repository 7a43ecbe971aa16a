import { MatchFilter, type MatchHandling } from './match-filter.ts'
import { noRune, type PatternProgram } from './pattern-program.ts'
import { PatternRun } from './pattern-run.ts'

/**
 * Finds the matches of a program in text that comes in pieces cut anywhere, from the left, none over another.
 *
 * Text is held back from the beginning of an attempt, or the end of the match that it has found so far: at most
 * `maxMatch` units and one character.
 */
export class PatternTextFilter extends MatchFilter {
  readonly #program: PatternProgram
  readonly #run: PatternRun
  /** Text that is held back. */
  #text = ''
  /** The position of the text's first unit in the whole. */
  #base = 0
  /** The unit in front of the text. */
  #before = noRune
  /** Whether the attempt under way has a match, whose end may be further on. */
  #matched = false

  constructor(program: PatternProgram, maxMatch: number, handling: MatchHandling) {
    super(handling)
    this.#program = program
    this.#run = new PatternRun(program, maxMatch)
  }

  protected override search(piece: string): void {
    this.#text += piece
    this.#find(false)
  }

  protected override finish(): void {
    this.#find(true)
  }

  #find(whole: boolean): void {
    const text = this.#text
    let start = 0
    let given = 0
    for (;;) {
      if (!this.#run.running) {
        start = this.#nextStart(start, whole)
        const rune = this.#runeAt(start, whole)
        if (rune === undefined || rune === noRune) break
        this.#run.begin(this.#base + start)
        this.#matched = false
      }
      const decided = this.#decide(whole)
      const { matchEnd } = this.#run
      if (matchEnd >= 0) {
        if (!this.#matched) {
          this.keep(text.slice(given, start))
          this.match()
          if (this.ended !== undefined) return
        }
        this.#matched = true
        start = given = matchEnd - this.#base
      }
      if (!decided) break
      if (matchEnd < 0) start += widthOf(text.codePointAt(start))
    }
    this.keep(text.slice(given, start))
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
