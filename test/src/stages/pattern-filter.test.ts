import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PatternTextFilter } from '../../../src/stages/pattern-filter.ts'
import { PatternProgram } from '../../../src/stages/pattern-program.ts'
import { cut, filtered } from './filtered.ts'

function masked(patterns: readonly string[], pieces: readonly string[], maxMatch = 256): string {
  const filter = new PatternTextFilter(new PatternProgram('patterns', patterns), maxMatch, {
    action: 'replace',
    replacement: '#',
    onMatch: () => undefined,
  })
  return filtered(filter, pieces).text
}

/**
 * The definition, on the whole text, by the engine of JavaScript: from the left, none over another, the match that
 * the pattern prefers of those that are 1 … max units long.
 */
function expected(patterns: readonly string[], text: string, max: number): string {
  const any = patterns.map((pattern) => `(?:${pattern})`).join('|')
  let result = ''
  let start = 0
  while (start < text.length) {
    const atLeast = Math.max(0, text.length - start - max)
    const atMost = text.length - start - 1
    const sized = new RegExp(`(?:${any})(?=[^]{${atLeast},${atMost}}(?![^]))`, 'y')
    sized.lastIndex = start
    const found = sized.exec(text)
    result += found === null ? text.charAt(start) : '#'
    start += found === null ? 1 : found[0].length
  }
  return result
}

const atom = fc.constantFrom(
  'a',
  'b',
  'ab',
  '[ab]',
  '[^a]',
  '.',
  '\\b',
  '\\B',
  '^',
  '$',
  '\\w',
  '\\n',
  'a?',
  'b+',
  '(?:a|ab)',
)
const pattern = fc
  .array(
    fc.oneof(
      atom,
      fc.tuple(atom, fc.constantFrom('', '|'), atom).map(([left, or, right]) => `(?:${left}${or}${right})`),
      fc.constantFrom('a*', 'a+?', '[ab]{2,3}', '(?:ab)+', '(?:ba?)*', '.*', '.+?', '(?:a|b)*b'),
    ),
    { minLength: 1, maxLength: 4 },
  )
  .map((parts) => parts.join(''))
const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', ' ', '\n'), maxLength: 24 })

describe('patterns', () => {
  test('are found as the whole text has them, wherever it is split, none longer than allowed', () => {
    fc.assert(
      fc.property(
        fc.array(pattern, { minLength: 1, maxLength: 3 }),
        text,
        fc.array(fc.nat(24), { maxLength: 8 }),
        fc.constantFrom(1, 2, 3, 5, 20, 256),
        (patterns, whole, places, max) => {
          const pieces = cut(
            whole,
            places.map((place) => place % (whole.length + 1)),
          )
          expect(masked(patterns, pieces, max)).toBe(expected(patterns, whole, max))
        },
      ),
      { numRuns: 1000 },
    )
  })

  test('find the same where attempts go on with earlier ones', () => {
    const stretch = fc.tuple(fc.constantFrom('a', 'ab', 'b', 'c'), fc.integer({ min: 1, max: 40 }))
    const long = fc
      .array(stretch, { minLength: 1, maxLength: 6 })
      .map((stretches) => stretches.map(([unit, times]) => unit.repeat(times)).join(''))
    const patterns = fc.constantFrom('a+$', 'a(?:a|b)*c', 'a*ab', '[ab]*?ca', 'a[ab]{30}c', '(?:ab?)*\\bc', 'a*b|b*a')
    fc.assert(
      fc.property(
        patterns,
        long,
        fc.constantFrom(20, 40, 64, 256),
        fc.integer({ min: 1, max: 20 }),
        (one, whole, max, size) => {
          const pieces = whole.match(new RegExp(`.{1,${size}}`, 'g')) ?? []
          expect(masked([one], pieces, max)).toBe(expected([one], whole, max))
        },
      ),
      { numRuns: 1000 },
    )
  })

  test('that are catastrophic elsewhere take time in proportion to the text', () => {
    const whole = `${'a'.repeat(100_000)}!`
    for (const hostile of ['(a+)+$', '(a|a?)+b']) expect(masked([hostile], [whole])).toBe(whole)
  })

  test('see what is around a match, also where it was given long ago', () => {
    expect(masked(['\\bcat\\b'], Array.from('cat concat cat'))).toBe('# concat #')
    expect(masked(['^a', 'b$'], Array.from('ababab'))).toBe('#baba#')
    expect(masked(['(?m)^a'], ['a\na', '\n', 'a'])).toBe('#\n#\n#')
  })

  test('take characters for what they are, also in halves', () => {
    expect(masked(['^.$'], ['\ud83d', '\ude00'])).toBe('#')
    expect(masked(['(?i)É', '\\p{Greek}'], ['éσ', 'a'])).toBe('##a')
    expect(masked(['.'], ['\ud83d', 'a', '\ude00'])).toBe('###')
  })

  test('of nothing match nothing', () => {
    expect(masked(['x*', '\\b'], ['a xx b'])).toBe('a # b')
  })
})

test.each([
  [['a', '(?=b)'], 'patterns[1] must be a regular expression in RE2\'s syntax, got "(?=b)": '],
  [['a)|(b'], 'patterns[0] must be'],
  [[''], 'patterns[0] must not be empty'],
  [['(a{1000}){1000}'], 'patterns[0] must be'],
])('patterns that cannot be are named: %j', (patterns, message) => {
  expect(() => new PatternProgram('patterns', patterns)).toThrow(message)
})
