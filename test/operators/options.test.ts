import fc from 'fast-check'
import { EMPTY } from 'rxjs'
import { describe, expect, test } from 'vitest'
import {
  boundedBuffer,
  Breaker,
  Channel,
  checkFunction,
  checkInteger,
  checkKeys,
  checkMethods,
  checkNumber,
  checkOneOf,
  checkText,
  rateLimit,
  RetryBudget,
  retryBackoff,
  show,
} from '../../operators/index.ts'

/** What is thrown, as `Name: message`; or what is returned. */
function resultOf(check: () => unknown): unknown {
  try {
    return check()
  } catch (error) {
    return String(error)
  }
}

const notANumber = fc.anything().filter((value) => typeof value !== 'number')
const anyRange = fc.tuple(fc.integer(), fc.integer()).map(([a, b]) => ({ min: Math.min(a, b), max: Math.max(a, b) }))

describe('numbers', () => {
  test('a number in the range is returned as it is, one beside it is a RangeError that says all', () => {
    fc.assert(
      fc.property(anyRange, fc.double(), ({ min, max }, value) => {
        const inside = value >= min && value <= max
        const [whole, any] = ['a whole number', 'a number'].map(
          (kind) => `RangeError: depth must be ${kind} from ${min} to ${max}, got ${value}`,
        )
        expect(resultOf(() => checkNumber('depth', value, { min, max }))).toBe(inside ? value : any)
        expect(resultOf(() => checkInteger('depth', value, { min, max }))).toBe(
          inside && Number.isInteger(value) ? value : whole,
        )
      }),
    )
  })

  test('both ends belong to the range', () => {
    fc.assert(
      fc.property(anyRange, (range) => {
        for (const end of [range.min, range.max]) {
          expect(checkInteger('depth', end, range)).toBe(end)
          expect(checkNumber('depth', end, range)).toBe(end)
        }
      }),
    )
  })

  test('what is no number is a TypeError that shows it', () => {
    fc.assert(
      fc.property(notANumber, (value) => {
        const refusal = 'TypeError: depth must be a'
        expect(resultOf(() => checkInteger('depth', value))).toMatch(
          `${refusal} whole number from 0 to ${Number.MAX_SAFE_INTEGER}, got `,
        )
        expect(resultOf(() => checkNumber('depth', value))).toMatch(`${refusal} number from 0, and finite, got `)
      }),
    )
  })

  test('infinity only where it is allowed; never what is not a number', () => {
    expect(checkInteger('depth', Infinity, { max: Infinity })).toBe(Infinity)
    expect(checkNumber('depth', Infinity, { max: Infinity })).toBe(Infinity)
    expect(() => checkInteger('depth', -Infinity, { min: -Infinity, max: Infinity })).toThrow(RangeError)
    expect(checkNumber('depth', Number.MAX_VALUE)).toBe(Number.MAX_VALUE)
    expect(resultOf(() => checkNumber('depth', Infinity, { min: 1 }))).toBe(
      'RangeError: depth must be a number from 1, and finite, got Infinity',
    )
    for (const check of [checkInteger, checkNumber]) {
      expect(() => check('depth', Infinity)).toThrow(RangeError)
      expect(() => check('depth', NaN, { max: Infinity })).toThrow(RangeError)
      expect(() => check('depth', -1)).toThrow(RangeError)
    }
  })
})

describe('others', () => {
  test('one of a few', () => {
    const check = (value: unknown) => () => checkOneOf('colour', value, ['red', 'green'])
    expect(check('green')()).toBe('green')
    expect(resultOf(check('blue'))).toBe('RangeError: colour must be one of "red", "green", got "blue"')
    expect(resultOf(check(undefined))).toBe('TypeError: colour must be one of "red", "green", got undefined')
    expect(resultOf(check(['red']))).toBe('TypeError: colour must be one of "red", "green", got an array')
  })

  test('a function', () => {
    const run = (): void => undefined
    expect(checkFunction('run', run)).toBe(run)
    expect(resultOf(() => checkFunction('run', {}))).toBe('TypeError: run must be a function, got an object')
  })

  test('an object with methods', () => {
    const clock = { now: () => 0 }
    expect(checkMethods('clock', clock, 'a Clock', ['now'])).toBe(clock)
    for (const bad of [undefined, null, 1, 'clock', { now: 1 }, () => clock]) {
      expect(resultOf(() => checkMethods<unknown>('clock', bad, 'a Clock', ['now']))).toBe(
        `TypeError: clock must be a Clock, got ${show(bad)} without now`,
      )
    }
  })

  test('a text', () => {
    expect(checkText('name', ' ')).toBe(' ')
    expect(resultOf(() => checkText('name', ''))).toBe('RangeError: name must not be empty')
    expect(resultOf(() => checkText('name', null))).toBe('TypeError: name must be a string, got null')
  })

  test('known keys only, whatever else is in there', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string()), fc.uniqueArray(fc.string()), (known, keys) => {
        const options = Object.fromEntries(keys.map((key) => [key, 1]))
        const unknown = Object.keys(options).find((key) => !known.includes(key))
        const expected = `TypeError: make: unknown option ${JSON.stringify(unknown)}; known are ${known.join(', ')}`
        const result = resultOf(() => {
          checkKeys('make', options, known)
        })
        expect(result).toBe(unknown === undefined ? undefined : expected)
      }),
    )
    for (const bad of [undefined, null, 1, 'options']) {
      expect(() => {
        checkKeys('make', bad, [])
      }).toThrow(`make: options must be an object, got ${show(bad)}`)
    }
  })
})

test('show never throws and stays short', () => {
  fc.assert(
    fc.property(fc.anything({ withBigInt: true, withNullPrototype: true, withDate: true }), (value) => {
      expect(show(value).length).toBeLessThan(1000)
    }),
  )
  expect([show('a"b'), show([1]), show({}), show(null), show(undefined), show(() => 1), show(-0.5)]).toEqual([
    '"a\\"b"',
    'an array',
    'an object',
    'null',
    'undefined',
    'a function',
    '-0.5',
  ])
  expect(show('x'.repeat(80))).toBe(JSON.stringify('x'.repeat(80)))
  for (const length of [81, 1000]) expect(show('x'.repeat(length))).toBe(JSON.stringify(`${'x'.repeat(80)}…`))
})

test.each([
  ['Breaker', (options) => new Breaker(options)],
  ['Channel', (options) => new Channel(options)],
  ['RetryBudget', (options) => new RetryBudget(options)],
  ['boundedBuffer', (options) => boundedBuffer(() => EMPTY, options)],
  ['rateLimit', (options) => rateLimit(options)],
  ['retryBackoff', (options) => retryBackoff(options)],
] satisfies readonly (readonly [string, (options: never) => unknown])[])(
  '%s names itself when it refuses an option that it does not know',
  (name, create) => {
    expect(() => create({ colour: 'red' } as never)).toThrow(`${name}: unknown option "colour"; known are `)
  },
)
