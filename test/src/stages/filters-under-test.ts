import fc from 'fast-check'
import { redactor } from '../../../src/redaction/redactor.ts'
import type { MatchHandling } from '../../../src/stages/match-filter.ts'
import { PatternTextFilter } from '../../../src/stages/pattern-filter.ts'
import { PatternProgram } from '../../../src/stages/pattern-program.ts'
import { compileStops, StopMatcher } from '../../../src/stages/stop-matcher.ts'
import type { TextFilter } from '../../../src/stages/text-filter.ts'
import { Trimmer } from '../../../src/stages/trimmer.ts'
import { WordAutomaton } from '../../../src/stages/word-automaton.ts'
import { WordTextFilter } from '../../../src/stages/word-text-filter.ts'
import { trickyText } from '../redaction/tricky-text.ts'

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

const replacing: MatchHandling = { action: 'replace', replacement: '***', onMatch: () => undefined }
const ending: MatchHandling = { ...replacing, action: 'end' }

const words = ['straße', 'new york', 'new', 'york city', 'c++', 'café', '😀 x', 'ọ\u0301']
const automaton = new WordAutomaton(words)
const wordTexts = textOf([
  ...words,
  'STRASSE',
  'cafe\u0301',
  'New York City',
  's\u00adtra\u200bs',
  'ọ\u0301',
  'o\u0301\u0323',
])

const patterns = [
  '\\bsk-[a-z0-9]{3,8}\\b',
  '^a+$',
  '(?i)pass(?:word)?\\s*[:=]\\s*\\S+',
  '(x+x+)+y',
  '.é$',
  '[^a]*?😀{2}',
  'key-[a-z]{4,}(?:;.*;)?',
]
const program = new PatternProgram('patterns', patterns)
const patternTexts = textOf([
  'sk-abc12',
  'aaa',
  'Password: s3cret',
  'pass=',
  'xxxxxx',
  'xxy',
  '😀😀',
  '-',
  'aé',
  `key-${'abc'.repeat(20)}`,
  ';',
])

const redaction = redactor({
  mode: 'hash',
  hashKey: 'a key for tests only',
  recognisers: [{ kind: 'employee', pattern: 'EMP-\\d{6}', maxChars: 10 }],
})

/** Every text filter that the package has; a new one is added here. */
export const filtersUnderTest: readonly FilterUnderTest[] = [
  {
    name: 'stop sequences',
    create: () => new StopMatcher(compileStops(['</s>', '<|end|>', 'aab', '\n\n', '😀!'])),
    text: textOf(['</s>', '<|end|>', 'aab', '\n\n', '😀!']),
  },
  {
    name: 'trim',
    create: () => new Trimmer(),
    text: textOf(['  ', '\u00a0\u2003', 'a b', '\ufeff']),
  },
  ...Object.entries({ 'words, replaced': replacing, 'words, ending': ending }).map(([name, handling]) => ({
    name,
    create: () => new WordTextFilter(automaton, handling),
    text: wordTexts,
  })),
  ...Object.entries({ 'patterns, replaced': replacing, 'patterns, ending': ending }).map(([name, handling]) => ({
    name,
    create: () => new PatternTextFilter(program, 24, handling),
    text: patternTexts,
  })),
  { name: 'redaction', create: () => redaction.stream(), text: trickyText },
]
