import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PatternTextFilter } from '../../../src/stages/pattern-filter.ts'
import { checkPattern, PatternProgram } from '../../../src/stages/pattern-program.ts'
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
 * the pattern prefers of those that are 1 … max units long; and as long as that ends so early, of those that are up
 * to max units longer than it.
 */
function expected(patterns: readonly string[], text: string, max: number): string {
  let result = ''
  let start = 0
  while (start < text.length) {
    const length = lengthOfMatch(patterns, text, start, max)
    result += length === 0 ? text.charAt(start) : '#'
    start += length === 0 ? 1 : length
  }
  return result
}

function lengthOfMatch(patterns: readonly string[], text: string, start: number, max: number): number {
  const any = patterns.map((pattern) => `(?:${pattern})`).join('|')
  const atMost = text.length - start - 1
  for (let length = 0; ;) {
    const atLeast = Math.max(0, text.length - start - length - max)
    const sized = new RegExp(`(?:${any})(?=[^]{${atLeast},${atMost}}(?![^]))`, 'y')
    sized.lastIndex = start
    const found = sized.exec(text)?.[0].length ?? 0
    if (found === length) return length
    length = found
  }
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
  test('are found as the whole text has them, wherever it is split, however long', () => {
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
          // What stands behind a match that is too long is not asked for, which the definition does not say.
          const bound = patterns.some((one) => /\\[bB]|\^|\$/.test(one)) ? 256 : max
          expect(masked(patterns, pieces, bound)).toBe(expected(patterns, whole, bound))
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
    const patterns = fc.constantFrom(
      'a+b',
      'a(?:a|b)*c',
      'a*ab',
      '[ab]*?ca',
      'a[ab]{30}c',
      '(?:ab?)*\\bc',
      'a*b|b*a',
      'a(?:[ab]*c)?',
      '(?:ab?)+?(?:[^c]*ca)?',
    )
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

  test.each([1, 7, 255, 256, 257, 4_096])('leave nothing of a key that is far longer than %i units', (max) => {
    const key = `sk-${'Ab3'.repeat(4_000)}`
    const whole = `It is ${key}, or ${key}`
    for (const size of [1, 100, 256, 10_000, whole.length]) {
      const pieces = whole.match(new RegExp(`.{1,${size}}`, 'g')) ?? []
      const pattern = max < 23 ? 'sk-[A-Za-z0-9]+' : 'sk-[A-Za-z0-9]{20,}'
      expect(masked([pattern], pieces, Math.max(max, 4))).toBe('It is #, or #')
    }
  })

  test.each(['\\bsk-[a-z]{20,}\\b', '(?m)sk-[a-z]{20,}$', 'sk-[a-z]{20,}(?:\\b|!)'])(
    'leave nothing of a long key, though they ask for what is behind it: %s',
    (pattern) => {
      const whole = `sk-${'key'.repeat(3_333)}\nsk-${'a'.repeat(253)}\nsk-${'a'.repeat(254)}\nsk-short\n`
      for (const size of [1, 7, 256, whole.length]) {
        const pieces = whole.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? []
        expect(masked([pattern], pieces)).toBe('#\n#\n#\nsk-short\n')
      }
    },
  )

  test('have a match end where no longer one is complete soon', () => {
    const quote = 'a'.repeat(300)
    expect(masked(['x(?:.*y)?'], [`x${quote}y`, `x${'a'.repeat(200)}y${'a'.repeat(200)}y`])).toBe(`#${quote}y#`)
  })

  test('end the answer as soon as there is a match, and give what is in front of it', () => {
    const filter = new PatternTextFilter(new PatternProgram('patterns', ['sk-[a-z]{3,}']), 256, {
      action: 'end',
      replacement: '',
      onMatch: () => undefined,
    })
    expect(['It is sk-', 'abc', 'd'].map((piece) => (filter.ended === undefined ? filter.push(piece) : null))).toEqual([
      ...['It is ', '', ''],
    ])
    expect(filter.ended).toBe('content_filter')
  })

  test('hold back no more of a match that goes on for ever than they have to', () => {
    const filter = new PatternTextFilter(new PatternProgram('patterns', ['a+b?', 'c']), 16, {
      action: 'replace',
      replacement: '#',
      onMatch: () => undefined,
    })
    expect(['xa', 'aa', 'a'.repeat(1_000), 'by'].map((piece) => filter.push(piece))).toEqual(['x', '#', '', 'y'])
  })

  test('that are catastrophic elsewhere take time in proportion to the text', () => {
    const whole = `${'a'.repeat(100_000)}!`
    for (const hostile of ['(a+)+b', '(a|a?)+b']) expect(masked([hostile], [whole])).toBe(whole)
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

  test.each([
    ['(?P<key>a)b', 'ab'],
    ['(?<key>a)b', 'ab'],
    ['\\Q(?P<key>', '(?P<key>'],
    ['\\Q(?P<key>\\', '(?P<key>\\'],
    ['\\Q(?P<key>\\E\\Qa', '(?P<key>a'],
    ['[^](?P<key>)x]!', 'a!'],
    ['[](?P<key>]!', 'P!'],
    ['[[:digit:](?P<key>]!', '?!'],
    ['\\[(?P<key>a)', '[a'],
    ['\\\\(?P<key>a)', '\\a'],
  ])('may name groups as others do, and leave a quotation open: %s', (pattern, match) => {
    expect(masked([pattern], [match])).toBe('#')
    expect(masked([pattern, '(?P<key>=)'], [`=${match}=`])).toBe('###')
    expect(masked(['(?P<key>=)', pattern], [`=${match}=`])).toBe('###')
  })

  test('of nothing match nothing', () => {
    expect(masked(['x*', '\\b'], ['a xx b'])).toBe('a # b')
  })
})

test.each([
  ['(?=b)', 'patterns[1] must be a regular expression in RE2\'s syntax, got "(?=b)": '],
  ['a)|(b', 'patterns[1] must be a regular'],
  ['', 'patterns[1] must not be empty'],
  ['(a{1000}){1000}', 'patterns[1] must be a regular'],
  [
    'x?(?:a|bc)[a-z]{255,}',
    'patterns[1] must match within 255 characters, got "x?(?:a|bc)[a-z]{255,}", which takes 256',
  ],
])('patterns that cannot be are named: %j', (pattern, message) => {
  expect(() => checkPattern('patterns[1]', pattern, 255)).toThrow(message)
})

test.each(['a{255}', 'x*', '\\b', '[^\\x00-\\x{10FFFF}]'])('patterns that fit are taken: %j', (pattern) => {
  expect(checkPattern('patterns[1]', pattern, 255)).toBe(pattern)
})
