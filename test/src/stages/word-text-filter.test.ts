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

const folded = (text: string): string => Array.from(text, foldCase).join('')

/** The definition, on the whole text: at each place from the left the longest whole word, character by character. */
function expected(words: readonly string[], text: string): string {
  const characters = Array.from(text)
  const isWord = (index: number): boolean => isWordCharacter(characters[index] ?? ' ')
  let result = ''
  for (let start = 0; start < characters.length;) {
    const ends = words.flatMap((word) => {
      for (let end = start + 1; end <= characters.length; end++) {
        if (folded(characters.slice(start, end).join('')) !== folded(word)) continue
        const [first = '', last = first] = [word.at(0), word.at(-1)]
        const bound = (!isWordCharacter(first) || !isWord(start - 1)) && (!isWordCharacter(last) || !isWord(end))
        return bound ? [end] : []
      }
      return []
    })
    result += ends.length > 0 ? '#' : (characters[start] as string)
    start = ends.length > 0 ? Math.max(...ends) : start + 1
  }
  return result
}

const unit = fc.constantFrom('a', 'A', 'b', ' ', '+', 'ß', 's', 'e\u0301', 'é', '\u0301', '😀', '\ud83d', '\ude00')
const words = fc.array(fc.string({ unit, minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 5 })
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

test.each([
  [['cat'], 'A cat, Cat! concatenate cats cat', 'A #, #! concatenate cats #'],
  [['straße'], 'STRASSE strasse Straße', '# # #'],
  [['café'], 'Cafe\u0301 CAFÉ cafe', '# # cafe'],
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
