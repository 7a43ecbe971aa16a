import { checkInteger, checkKeys, checkOneOf, checkText, show } from '../../operators/index.ts'
import type { HandlerContext } from '../handler.ts'
import { type ChunkFilter, textFilter, type TextFilterOptions } from './chunk-filter.ts'
import { markedCharacters } from './marked-character.ts'
import type { MatchFilter, MatchHandling } from './match-filter.ts'
import { PatternTextFilter } from './pattern-filter.ts'
import { checkPattern, PatternProgram } from './pattern-program.ts'
import { WordAutomaton } from './word-automaton.ts'
import { WordTextFilter } from './word-text-filter.ts'

/** What is done with what a content filter finds. */
export interface ContentFilterOptions {
  /** The filter's name in the metric of matches; default `'words'` or `'patterns'`. */
  readonly name?: string
  /**
   * What becomes of a match: replaced by `mask`, taken out, or the answer ends in front of it with the finish reason
   * `content_filter`, which cancels the generation; default `'mask'`.
   */
  readonly action?: 'mask' | 'remove' | 'end'
  /** What replaces a match; default `'***'`. Only with `action: 'mask'`. */
  readonly mask?: string
  /** The texts that are filtered; default all: `text`, `reasoning` and `refusal`. */
  readonly fields?: TextFilterOptions['fields']
}

/** Which words are filtered. */
export interface WordFilterOptions extends ContentFilterOptions {
  /** At least one word or phrase of 1 … 256 UTF-16 code units, in each a character that can be seen. */
  readonly words: readonly string[]
}

/** Which patterns are filtered. */
export interface PatternFilterOptions extends ContentFilterOptions {
  /** At least one regular expression in RE2's syntax: no look-around, no back-references; `(?i)` ignores case. */
  readonly patterns: readonly string[]
  /**
   * How much text a pattern is given to match, and then to match more, in UTF-16 code units, 1 … 4,096; default 256.
   * So much may be held back.
   */
  readonly maxMatchChars?: number
}

const shared = ['name', 'action', 'mask', 'fields'] as const satisfies readonly (keyof ContentFilterOptions)[]

/**
 * Filters words and phrases out of answers, in time in proportion to the text, however long the list is.
 *
 * Capital and small letters count as the same, so do composed letters and those with marks of their own, in whatever
 * order the marks are. A character with a mark is another than the one without. What cannot be seen (soft hyphens,
 * zero-width spaces and joiners, all else that Unicode has as default ignorable, and control characters that are no
 * white space) does not count, neither in words nor in answers; of more than 64 such behind one character where a word
 * may stand, the rest is left out. Letters of other scripts that look alike are other letters. Words are whole: no
 * letter, digit or underscore may stand beside one, where it begins or ends with such. From the left, the longest that
 * begins at a place is found. Languages that write without spaces need `patternFilter`. A phrase is found as it is
 * written, its white space included.
 *
 * @throws TypeError or RangeError naming the option that is wrong.
 *
 * @example
 * ```ts
 * post({ filters: [wordFilter({ words: ['voldemort'], mask: '[he who must not be named]' })] })
 * ```
 */
export function wordFilter(options: WordFilterOptions): ChunkFilter {
  checkKeys('wordFilter', options, [...shared, 'words'])
  const words = checkTexts('words', options.words)
  for (const [index, word] of words.entries()) checkWord(`words[${index}]`, word)
  const automaton = new WordAutomaton(words)
  return contentFilter('words', options, (handling) => new WordTextFilter(automaton, handling))
}

/**
 * Filters what regular expressions match out of answers, in time in proportion to the text, whatever the pattern.
 *
 * From the left and none over another, the match is taken that Perl would take, if it is not empty. It may have any
 * length: it is taken from its first unit on, and goes on as long as the pattern matches more within the next
 * `maxMatchChars` units, where a condition on what stands behind it, such as `\b`, is no longer asked for. So
 * `\bsk-[A-Za-z0-9]{20,}\b` takes a key of 10,000 characters whole. Only what is no match before it is longer than
 * that, such as a very long text between two quotes for `"[^"]*"`, is not found. A pattern sees the
 * text around a match, for `^`, `$` and `\b`. Of several patterns an earlier one wins where both match at one place.
 *
 * @throws TypeError or RangeError naming the option that is wrong.
 *
 * @example
 * ```ts
 * post({ filters: [patternFilter({ patterns: ['sk-[A-Za-z0-9]{20,}'], action: 'end' })] })
 * ```
 */
export function patternFilter(options: PatternFilterOptions): ChunkFilter {
  checkKeys('patternFilter', options, [...shared, 'patterns', 'maxMatchChars'])
  const maxMatch = checkInteger('maxMatchChars', options.maxMatchChars ?? 256, { min: 1, max: 4096 })
  const patterns = checkTexts('patterns', options.patterns)
  for (const [index, pattern] of patterns.entries()) checkPattern(`patterns[${index}]`, pattern, maxMatch)
  const program = new PatternProgram('patterns', patterns)
  return contentFilter('patterns', options, (handling) => new PatternTextFilter(program, maxMatch, handling))
}

/** @throws RangeError naming the option whose word is wrong. */
export function checkWord(option: string, word: string): void {
  if (word.length > 256) throw new RangeError(`${option} must be at most 256 long, got ${word.length}: ${show(word)}`)
  if (markedCharacters(word).length === 0) throw new RangeError(`${option} must have a character that can be seen`)
}

function contentFilter(
  kind: string,
  options: ContentFilterOptions,
  create: (handling: MatchHandling) => MatchFilter,
): ChunkFilter {
  const name = checkText('name', options.name ?? kind)
  const action = checkOneOf('action', options.action ?? 'mask', ['mask', 'remove', 'end'])
  if (options.mask !== undefined && action !== 'mask') {
    throw new TypeError(`mask is for action "mask", got it with ${show(action)}`)
  }
  const mask = checkText('mask', options.mask ?? '***')
  const handle = ({ meter }: HandlerContext): MatchHandling => ({
    action: action === 'end' ? 'end' : 'replace',
    replacement: action === 'mask' ? mask : '',
    onMatch: () => {
      meter.count('contentMatches', name)
    },
  })
  const { fields } = options
  return textFilter((context) => create(handle(context)), fields === undefined ? {} : { fields })
}

function checkTexts(option: string, texts: unknown): readonly string[] {
  if (!Array.isArray(texts)) throw new TypeError(`${option} must be an array of texts, got ${show(texts)}`)
  if (texts.length === 0) throw new RangeError(`${option} must not be empty`)
  return texts.map((text: unknown, index) => checkText(`${option}[${index}]`, text))
}
