import fc from 'fast-check'
import { StopMatcher } from '../../../src/stages/stop-matcher.ts'
import type { TextFilter } from '../../../src/stages/text-filter.ts'
import { Trimmer } from '../../../src/stages/trimmer.ts'

/** A filter whose output must not depend on how its text is split; and texts to try it with. */
export interface FilterUnderTest {
  readonly name: string
  /** A new one, for one text. */
  create(this: void): TextFilter
  /** Texts full of what the filter looks for, and of what nearly is that. */
  readonly text: fc.Arbitrary<string>
}

/** What every filter has to bear: line ends, marks that combine, pairs and halves of pairs, nothing. */
const hard = [
  '\r',
  '\n',
  '\r\n',
  ' ',
  '\t',
  '\u0301',
  'e\u0301',
  'é',
  '😀',
  '\ud83d',
  '\ude00',
  '👩‍👧',
  '\u200d',
  'ß',
  '\0',
  '.',
  'x',
]

/** Texts made of a filter's own vocabulary: whole, its beginnings and ends, run together or with something between. */
export function textOf(vocabulary: readonly string[]): fc.Arbitrary<string> {
  const word = fc.constantFrom(...vocabulary)
  const prefix = word.chain((whole) => fc.nat(whole.length).map((end) => whole.slice(0, end)))
  const suffix = word.chain((whole) => fc.nat(whole.length).map((start) => whole.slice(start)))
  const piece = fc.oneof(word, word, prefix, suffix, fc.constantFrom(...hard))
  return fc.array(piece, { maxLength: 16, size: 'max' }).map((pieces) => pieces.join(''))
}

/** Every text filter that the package has; a new one is added here. */
export const filtersUnderTest: readonly FilterUnderTest[] = [
  {
    name: 'stop sequences',
    create: () => new StopMatcher(['</s>', '<|end|>', 'aab', '\n\n', '😀!']),
    text: textOf(['</s>', '<|end|>', 'aab', '\n\n', '😀!']),
  },
  {
    name: 'trim',
    create: () => new Trimmer(),
    text: textOf(['  ', '\u00a0\u2003', 'a b', '\ufeff']),
  },
]
