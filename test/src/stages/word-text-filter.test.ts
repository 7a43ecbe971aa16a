import fc from 'fast-check'
import { expect, test } from 'vitest'
import { foldCase, isWordCharacter } from '../../../src/stages/fold-case.ts'
import { WordAutomaton } from '../../../src/stages/word-automaton.ts'
import { WordTextFilter } from '../../../src/stages/word-text-filter.ts'
import { cut, filtered } from './filtered.ts'

function masked(words: readonly string[], pieces: readonly string[], action: 'replace' | 'end' = 'replace'): string {
  const handling = { action, replacement: '#', onMatch: () => undefined }
  return filtered(new WordTextFilter(new WordAutomaton(words), handling), pieces).text
}

const hidden = /\p{DI}|(?![\t\n\v\f\r\x85])\p{Cc}|[\ufff9-\ufffb]/u

/** Characters with the marks and the invisible characters behind them: where one begins, and what is seen of it ends. */
function charactersOf(text: string) {
  const characters: { start: number; end: number; seen: string }[] = []
  let position = 0
  for (const character of text) {
    const last = characters.at(-1)
    const start = position
    position += character.length
    if (hidden.test(character)) continue
    if (last !== undefined && /\p{M}/u.test(character)) {
      last.seen += character
      last.end = position
    } else characters.push({ start, end: position, seen: character })
  }
  return characters
}

const folded = (text: string): string =>
  charactersOf(text)
    .map(({ seen }) => foldCase(seen))
    .join('')

const isWord = (character: { seen: string } | undefined): boolean =>
  character !== undefined && isWordCharacter(Array.from(character.seen)[0] ?? '')

/** The definition, on the whole text: at each place from the left the longest whole word, character by character. */
function expected(words: readonly string[], text: string): string {
  const characters = charactersOf(text)
  const between = (first: number, last: number): string =>
    folded(text.slice(characters[first]?.start, characters[last]?.end))
  let result = ''
  let given = 0
  for (let first = 0; first < characters.length;) {
    const lasts = words.flatMap((word) => {
      const [begin, end] = [charactersOf(word).at(0), charactersOf(word).at(-1)]
      for (let last = first; last < characters.length; last++) {
        if (between(first, last) !== folded(word)) continue
        const bound =
          !(isWord(begin) && isWord(characters[first - 1])) && !(isWord(end) && isWord(characters[last + 1]))
        return bound ? [last] : []
      }
      return []
    })
    const last = Math.max(...lasts)
    if (lasts.length > 0) {
      result += `${text.slice(given, characters[first]?.start)}#`
      given = characters[last]?.end ?? 0
    }
    first = lasts.length > 0 ? last + 1 : first + 1
  }
  return result + text.slice(given)
}

const seen = ['a', 'A', 'b', ' ', '+', 'ß', 's', 'e\u0301', 'é', '\u0301', '\u0323', '\u0345', 'ᾳ', 'ﬁ', '각', '😀']
const invisible = ['\u00ad', '\u200b', '\u200d', '\u034f', '\ufe0f', '\u{e0041}', '\0', '\b', '\x7f', '\x9f', '\ufff9']
const unit = fc.constantFrom(...seen, ...seen, ...invisible, '\ud83d', '\ude00')
const words = fc.array(
  fc.string({ unit, minLength: 1, maxLength: 5 }).filter((word) => charactersOf(word).length > 0),
  { minLength: 1, maxLength: 5 },
)
const text = fc.string({ unit, maxLength: 30 })

test('words are found as the whole text has them, wherever it is split', () => {
  fc.assert(
    fc.property(words, text, fc.array(fc.nat(60), { maxLength: 10 }), (list, whole, places) => {
      const pieces = cut(
        whole,
        places.map((place) => place % (whole.length + 1)),
      )
      expect(masked(list, pieces)).toBe(expected(list, whole))
    }),
    { numRuns: 1000 },
  )
})

test('words are found however they are spelt, with whatever cannot be seen in them', () => {
  const plain = fc.string({ unit: fc.constantFrom(...seen), maxLength: 20 })
  const spelt = plain.chain((whole) =>
    fc
      .tuple(
        fc.constantFrom('NFC', 'NFD'),
        fc.array(fc.oneof(fc.constant(''), fc.constantFrom(...invisible)), { minLength: 1 }),
        fc.boolean(),
      )
      .map(([form, between, isTurned]) => {
        const inForm = whole.normalize(form)
        const ordered = isTurned ? inForm.replace(/\u0323\u0301/g, '\u0301\u0323') : inForm
        const spelling = Array.from(ordered, (one, index) => one + (between[index % between.length] ?? '')).join('')
        return { whole, spelling }
      }),
  )
  const visible = (text: string): string => text.replace(new RegExp(hidden, 'gu'), '').normalize('NFD')
  fc.assert(
    fc.property(words, spelt, (list, { whole, spelling }) => {
      expect(visible(masked(list, [spelling]))).toBe(visible(masked(list, [whole])))
    }),
    { numRuns: 1000 },
  )
})

test('what cannot be seen around a word stays', () => {
  expect(masked(['secret'], ['\u2067\u00adse\u00adcret\u2069\u200b!'])).toBe('\u2067\u00ad#\u2069\u200b!')
  expect(masked(['cat'], ['con\u200bcat', ' cat\u2060s', ' \u2060cat\u2060 '])).toBe(
    'con\u200bcat cat\u2060s \u2060#\u2060 ',
  )
})

test('control characters cannot be seen, unless they are white space', () => {
  expect(masked(['secret'], ['se\0cr\x1bet, s\x7fecre\x80t'])).toBe('#, #')
  for (const space of '\t\n\v\f\r\x85') expect(masked(['secret'], [`se${space}cret`])).toBe(`se${space}cret`)
})

test('nothing is held back without end, whatever is in a word', () => {
  const handling = { action: 'replace', replacement: '#', onMatch: () => undefined } as const
  const filter = new WordTextFilter(new WordAutomaton(['secret']), handling)
  const given = ['a', ...Array<string>(10_000).fill('\u200b'), ' se', ...Array<string>(10_000).fill('\u200b')]
    .map((piece) => filter.push(piece))
    .join('')
  expect(given).toBe(`a${'\u200b'.repeat(10_000)} `)
  expect(filter.push('d')).toBe(`se${'\u200b'.repeat(64)}d`)
  expect(filter.push(` se${'\u200b'.repeat(10_000)}cret.`)).toBe(' #.')
  expect(filter.push(`se${'\u0301'.repeat(10_000)}`).length).toBeGreaterThan(9_900)
  expect(filter.push('.').length).toBeLessThan(100)
})

test.each([
  [['cat'], 'A cat, Cat! concatenate cats cat', 'A #, #! concatenate cats #'],
  [['straße'], 'STRASSE strasse Straße', '# # #'],
  [['café'], 'Cafe\u0301 CAFÉ cafe', '# # cafe'],
  [['straße'], 'STRAẞE', '#'],
  [['ọ́'], 'o\u0301\u0323 ó\u0323 ọ\u0301 o\u0323\u00ad\u0301 ó', '# # # # ó'],
  [['se\u00adcret'], 'secret s\u200be\u2060c\ufeffr\u200cet', '# #'],
  [['c'], 'c\u0327 ç c', 'c\u0327 ç #'],
  [['c++'], 'c++ c++\u0338', '# c++\u0338'],
  [['ᾴ'], 'α\u0345\u0301 ᾳ\u0301 ΆΙ', '# # #'],
  [['ΣΟΦΟΣ'], 'σοφος σοφοσ', '# #'],
  [['file'], 'ﬁle FILE', '# #'],
  [['c++'], 'c++ or c++, not abc++', '# or #, not abc++'],
  [['new', 'new york', 'york city'], 'new york city', '# city'],
  [['a b c d', 'b c'], 'a b c e', 'a # e'],
])('whole words in any case and spelling: %j in %j', (list, whole, result) => {
  expect(masked(list, [whole])).toBe(result)
  expect(masked(list, whole.split(''))).toBe(result)
})

test('an answer ends in front of a word, and not before it is one', () => {
  expect(masked(['end'], ['the en', 'ding, the en', 'd', ' of it'], 'end')).toBe('the ending, the ')
})

test('text is passed on as soon as it is no beginning of a word', () => {
  const handling = { action: 'replace', replacement: '#', onMatch: () => undefined } as const
  const filter = new WordTextFilter(new WordAutomaton(['secret plan']), handling)
  expect(Array.from('a secret play').map((piece) => filter.push(piece))).toEqual([
    ...['a', ' ', '', '', '', '', '', '', '', '', '', '', 'secret play'],
  ])
})

test('a long list costs no more for each character than a short one', () => {
  const list = Array.from({ length: 5_000 }, (_, index) => `word${index} of the list`)
  expect(masked(list, ['word4999 of the lists or word4999 of the list'])).toBe('word4999 of the lists or #')
})
