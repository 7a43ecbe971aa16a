import fc from 'fast-check'
import { expect, test } from 'vitest'
import { duplicateKey } from '../../../src/server/duplicate-key.ts'

test('what JSON.stringify writes has no key twice', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(undefined, 2), (value, indent) => {
      expect(duplicateKey(JSON.stringify(value, undefined, indent))).toBeUndefined()
    }),
  )
})

/** An object as text, with its first key once more at its end, written with escapes. */
function repeatFirst(value: Readonly<Record<string, unknown>>): string {
  const [key = ''] = Object.keys(value)
  const escaped = [...Array(key.length).keys()]
    .map((index) => `\\u${key.charCodeAt(index).toString(16).padStart(4, '0')}`)
    .join('')
  return `${JSON.stringify(value).slice(0, -1)},"${escaped}":null}`
}

test('a key that is there twice is found, wherever it is and however it is written', () => {
  const objects = fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 })
  fc.assert(
    fc.property(fc.array(fc.jsonValue()), objects, fc.array(fc.jsonValue()), (before, value, after) => {
      const texts = [
        ...before.map((one) => JSON.stringify(one)),
        repeatFirst(value),
        ...after.map((one) => JSON.stringify(one)),
      ]
      const [key = ''] = Object.keys(value)
      expect(duplicateKey(`{"a": [${texts.join(' , ')}]}`)).toBe(`a[${before.length}].${key}`)
    }),
  )
})

test.each([
  ['{"a":1,"a":2}', 'a'],
  ['{"a":1,"\\u0061":2}', 'a'],
  ['{"a":{"b":1},"b":{"b":1,"c":[{},{"d":1,"d":1}]}}', 'b.c[1].d'],
  ['{"a":"a","b":"a\\\\","c":{"a":"\\"a\\""}}', undefined],
  ['[["a","a"],{"a":"a"},"a"]', undefined],
  ['"a"', undefined],
  ['1', undefined],
])('%s: %s', (text, place) => {
  expect(duplicateKey(text)).toBe(place)
})
