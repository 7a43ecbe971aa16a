import { RE2JS } from 're2js'
import { checkFunction, checkInteger, checkKeys, checkText, show, messageOf } from '../../operators/index.ts'
import { isWord } from './characters.ts'
import { more, none, type Recogniser } from './recogniser.ts'

/** A recogniser of a user's own: either `pattern` or `find`. */
export interface CustomRecogniser {
  /** What is found: a lower-case word with digits and hyphens, for placeholders and metrics; not a built-in one. */
  readonly kind: string
  /**
   * A regular expression in RE2's syntax, which runs in linear time: no back-references. It is matched at the
   * beginning of words only, and its match has to end with a word.
   */
  readonly pattern?: string
  /**
   * Called with the text from the beginning of a word on, of which it is given `maxChars` and one unit more; answers
   * how long the entity is that begins there, 0 for none. The same text has to get the same answer.
   */
  readonly find?: (text: string) => number
  /** The longest entity in UTF-16 code units, 1 … 1,024: longer ones are not found. So much text may be held back. */
  readonly maxChars: number
  /** The last word on what was found, e.g. a check digit; default: it is taken. */
  readonly check?: (entity: string) => boolean
}

/**
 * Makes a recogniser of a user's description.
 *
 * @throws TypeError or RangeError naming what is wrong.
 */
export function customRecogniser(name: string, given: CustomRecogniser): Recogniser {
  checkKeys(name, given, ['kind', 'pattern', 'find', 'maxChars', 'check'])
  const { kind, pattern, find, maxChars, check } = given
  checkText(`${name}.kind`, kind)
  if (!/^[a-z][a-z\d-]{0,31}$/.test(kind)) {
    throw new RangeError(
      `${name}.kind must be a lower-case word of at most 32 letters, digits and hyphens, got ${show(kind)}`,
    )
  }
  checkInteger(`${name}.maxChars`, maxChars, { min: 1, max: 1024 })
  if (check !== undefined) checkFunction(`${name}.check`, check)
  if ((pattern === undefined) === (find === undefined)) {
    throw new TypeError(`${name} must have either pattern or find, got ${pattern === undefined ? 'neither' : 'both'}`)
  }
  const lengthOf = find === undefined ? matcherOf(`${name}.pattern`, pattern) : checkFunction(`${name}.find`, find)

  return {
    kind,
    maxChars,
    starts: () => true,
    match(text, at, final) {
      // One unit more shows where the word ends, to the pattern as well as here.
      const window = at + maxChars + 1
      if (window > text.length && !final) return more
      const length = lengthOf(text.slice(at, window))
      const end = at + length
      if (!Number.isInteger(length) || length <= 0 || length > maxChars || end > text.length) return none
      if (end < text.length && isWord(text.charCodeAt(end - 1)) && isWord(text.charCodeAt(end))) return none
      return (check?.(text.slice(at, end)) ?? true) ? end : none
    },
  }
}

function matcherOf(option: string, pattern: unknown): (text: string) => number {
  const source = checkText(option, pattern)
  let compiled: RE2JS
  try {
    compiled = RE2JS.compile(source)
  } catch (error) {
    throw new RangeError(
      `${option} must be a regular expression in RE2's syntax, got ${show(source)}: ${messageOf(error)}`,
      { cause: error },
    )
  }
  return (text) => {
    const matcher = compiled.matcher(text)
    return matcher.lookingAt() ? matcher.end() : 0
  }
}
