import { checkFunction, checkInteger, checkKeys, show } from '../../operators/index.ts'
import { estimateTokens } from '../estimate-tokens.ts'

/** How a document is cut. */
export interface ChunkOptions {
  /** The longest chunk in tokens, 16 … 100,000; default 256, some 1,100 characters of English. */
  readonly maxTokens?: number
  /** How much a chunk repeats of the one before it where a block had to be split, 0 … half of `maxTokens`; default a tenth of it. */
  readonly overlapTokens?: number
  /**
   * How many tokens a text has, for chunks that are to be exact in a model's own tokens; default: an estimate, a few
   * percent off. Asked two or three times for each part of a document; nothing has fewer than one for 16 UTF-16 units.
   */
  readonly countTokens?: (text: string) => number
}

/** The options with their defaults. */
export interface ChunkLimits {
  readonly maxTokens: number
  readonly overlapTokens: number
  /** What is longer has too many tokens for one chunk, without being counted. */
  readonly maxChars: number
  /** At least one for each 16 UTF-16 units, so that blanks do not make a chunk endless. */
  readonly count: (text: string) => number
  /** The same for limits that cut alike. */
  readonly key: string
}

/** The names of the options, for `checkKeys`. */
export const chunkOptionNames: readonly string[] = ['maxTokens', 'overlapTokens', 'countTokens']

/** Words are counted as longer ones, numbers, code or other scripts differently by nearly any two tokenizers. */
const samples = [
  'The unopened spillways of 1234567 reservoirs overflowed.',
  'const { maxTokens = 256 } = options ?? {} // ===\n\t\treturn',
  'Größe naïve Привет мир 日本語の文章です 안녕하세요 🙂👩‍👩‍👧',
]

const longestToken = 16

/**
 * The options with their defaults, checked.
 *
 * @throws RangeError or TypeError naming the option, its value and what is allowed.
 */
export function chunkLimits(options: ChunkOptions): ChunkLimits {
  checkKeys('chunkDocument', options, chunkOptionNames)
  const maxTokens = checkInteger('maxTokens', options.maxTokens ?? 256, { min: 16, max: 100_000 })
  const overlapTokens = checkInteger('overlapTokens', options.overlapTokens ?? Math.floor(maxTokens / 10), {
    min: 0,
    max: Math.floor(maxTokens / 2),
  })
  const countTokens = checkFunction('countTokens', options.countTokens ?? estimateTokens)
  const count = (text: string): number => {
    const tokens = countTokens(text)
    if (!(tokens >= 0)) throw new TypeError(`countTokens must return a number of tokens, got ${show(tokens)}`)
    return Math.max(tokens, Math.ceil(text.length / longestToken))
  }
  // A function cannot be compared with the one of an earlier run, but what it says can.
  const key = JSON.stringify([maxTokens, overlapTokens, ...samples.map(count)])
  return { maxTokens, overlapTokens, maxChars: maxTokens * longestToken, count, key }
}
