import { RE2JS, RE2JSException } from 're2js'
import { checkText, show } from '../../operators/index.ts'

/** What stands before the first and after the last character of a text. */
export const noRune = -1

/** An instruction as re2js compiles it, which follows Go's `regexp/syntax`. */
interface Instruction {
  readonly op: number
  readonly out: number
  readonly arg: number
  matchRune(rune: number): boolean
}

/** The instructions' kinds, by their number in re2js. */
export const kinds = { alt: 1, altMatch: 2, capture: 3, emptyWidth: 4, fail: 5, match: 6, nop: 7, rune: 8 } as const

const lastRuneOp = 11

/**
 * Regular expressions in RE2's syntax, compiled into one program for a machine that goes through the text once.
 *
 * The compiler is re2js; its own machines want the whole text, so the program is run by `PatternRun`.
 *
 * @see https://swtch.com/~rsc/regexp/regexp2.html (Cox: Regular Expression Matching: the Virtual Machine Approach)
 */
export class PatternProgram {
  readonly start: number
  /** Kinds of the instructions: `kinds.rune` for all that take a character. */
  readonly ops: Uint8Array
  readonly outs: Int32Array
  /** The second way of an alternative, or the conditions of an empty width. */
  readonly args: Int32Array
  readonly #instructions: readonly Instruction[]
  /** Whether an instruction takes an ASCII character, by instruction and character. */
  readonly #takesAscii: Uint8Array
  /** The instructions by which a match may begin, and whether one takes an ASCII character. */
  readonly #first: readonly number[]
  readonly #startsAscii: Uint8Array

  /** @throws RangeError naming the option, where the patterns are too large together. */
  constructor(option: string, patterns: readonly string[]) {
    const { inst, start } = compiled(option, patterns.map(asOneOfSeveral).join('|'))
    this.start = start
    this.#instructions = inst
    this.ops = Uint8Array.from(inst, ({ op }) => kindOf(op))
    this.outs = Int32Array.from(inst, ({ out }) => out)
    this.args = Int32Array.from(inst, ({ arg }) => arg)
    this.#takesAscii = new Uint8Array(inst.length * 128)
    for (const [pc, instruction] of inst.entries()) {
      if (this.ops[pc] !== kinds.rune) continue
      for (let rune = 0; rune < 128; rune++) if (instruction.matchRune(rune)) this.#takesAscii[pc * 128 + rune] = 1
    }
    this.#first = this.#reachable()
    this.#startsAscii = Uint8Array.from({ length: 128 }, (_, rune) => Number(this.#startsWith(rune)))
  }

  get size(): number {
    return this.ops.length
  }

  /** Whether the instruction takes the character. */
  takes(pc: number, rune: number): boolean {
    if (rune < 128) return this.#takesAscii[pc * 128 + rune] === 1
    return this.#instructions[pc]?.matchRune(rune) === true
  }

  /** Whether a match that is not empty may begin with the character; most characters can be passed over by it. */
  mayStart(rune: number): boolean {
    return rune < 128 ? this.#startsAscii[rune] === 1 : this.#startsWith(rune)
  }

  #startsWith(rune: number): boolean {
    for (const pc of this.#first) if (this.takes(pc, rune)) return true
    return false
  }

  #reachable(): readonly number[] {
    const first: number[] = []
    const seen = new Set<number>()
    const waiting = [this.start]
    for (let pc = waiting.pop(); pc !== undefined; pc = waiting.pop()) {
      if (seen.has(pc)) continue
      seen.add(pc)
      const op = this.ops[pc]
      if (op === kinds.rune) first.push(pc)
      else if (op !== kinds.fail && op !== kinds.match) waiting.push(this.outs[pc] as number)
      if (op === kinds.alt || op === kinds.altMatch) waiting.push(this.args[pc] as number)
    }
    return first
  }
}

/** A quotation, an escaped character, a set of characters, the beginning of a group with a name. */
const piece = /\\Q[^]*?(?:\\E|$)|\\[^]|\[\^?\]?(?:\[:[^]*?:\]|\\[^]|[^\]\\])*\]|\(\?P?<\w+>/g

/** A pattern to stand beside others, which may give their groups the same names: it keeps none, and quotes no further. */
function asOneOfSeveral(pattern: string): string {
  const text = pattern.replace(piece, (found) => {
    if (found.startsWith('(')) return '('
    return found.startsWith('\\Q') && !found.endsWith('\\E') ? `${found}\\E` : found
  })
  return `(?:${text})`
}

function kindOf(op: number): number {
  // Characters have instructions for one, any and any but a line end, which all answer `matchRune`.
  if (op >= kinds.rune && op <= lastRuneOp) return kinds.rune
  if (op < kinds.alt || op > lastRuneOp) throw new Error(`re2js gave an instruction of an unknown kind, ${op}`)
  return op
}

/**
 * A single pattern.
 *
 * @param maxMatch How long the text may be in which it is to match, in UTF-16 code units.
 * @throws TypeError or RangeError naming the pattern that is wrong.
 */
export function checkPattern(option: string, pattern: unknown, maxMatch: number): string {
  const text = checkText(option, pattern)
  const shortest = shortestMatch(compiled(option, text))
  if (shortest > maxMatch) {
    throw new RangeError(
      `${option} must match within ${maxMatch} characters, got ${show(text)}, which takes ${shortest}`,
    )
  }
  return text
}

interface Compiled {
  readonly inst: readonly Instruction[]
  readonly start: number
}

function compiled(option: string, pattern: string): Compiled {
  try {
    return RE2JS.compile(pattern).re2().prog as Compiled
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error
    throw new RangeError(
      `${option} must be a regular expression in RE2's syntax, got ${show(pattern)}: ${error.message}`,
      { cause: error },
    )
  }
}

/** How many characters a match takes at least; breadth first, a character at a time. 0 where nothing can match. */
function shortestMatch({ inst, start }: Compiled): number {
  const seen = new Set<number>()
  let waiting = [start]
  for (let length = 0; waiting.length > 0; length++) {
    const next: number[] = []
    for (let pc = waiting.pop(); pc !== undefined; pc = waiting.pop()) {
      const instruction = inst[pc]
      if (instruction === undefined || seen.has(pc)) continue
      seen.add(pc)
      const kind = kindOf(instruction.op)
      if (kind === kinds.match) return length
      if (kind === kinds.fail) continue
      ;(kind === kinds.rune ? next : waiting).push(instruction.out)
      if (kind === kinds.alt || kind === kinds.altMatch) waiting.push(instruction.arg)
    }
    waiting = next
  }
  return 0
}

const conditions = { beginLine: 1, endLine: 2, beginText: 4, endText: 8, wordBoundary: 16, noWordBoundary: 32 } as const

/** As if all of them held. */
export const everyCondition = 63

/** Which conditions of empty width hold between two characters. */
export function conditionsBetween(before: number, after: number): number {
  let holding = isWord(before) === isWord(after) ? conditions.noWordBoundary : conditions.wordBoundary
  if (before === noRune) holding |= conditions.beginText | conditions.beginLine
  else if (before === 10) holding |= conditions.beginLine
  if (after === noRune) holding |= conditions.endText | conditions.endLine
  else if (after === 10) holding |= conditions.endLine
  return holding
}

/** A letter, digit or underscore of ASCII, as RE2 has it. */
function isWord(rune: number): boolean {
  return (rune >= 97 && rune <= 122) || (rune >= 65 && rune <= 90) || (rune >= 48 && rune <= 57) || rune === 95
}
