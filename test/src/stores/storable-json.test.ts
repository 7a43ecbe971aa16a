import fc from 'fast-check'
import { expect, test } from 'vitest'
import { storableJson } from '../../../src/stores/storable-json.ts'
import { UnstorableError } from '../../../src/stores/store-error.ts'

const write = (value: unknown): string => storableJson('request', value, () => JSON.stringify({ value }))

test('plain JSON comes back as it was', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      // JSON itself makes 0 of -0.
      expect(JSON.parse(write(value))).toEqual(JSON.parse(JSON.stringify({ value })))
    }),
  )
})

test('a field that is undefined is left out', () => {
  expect(write({ a: undefined, b: 1 })).toBe('{"value":{"b":1}}')
})

class Point {
  readonly x = 1
}
const cyclic: { self?: unknown } = {}
cyclic.self = cyclic
let deep: unknown = 'end'
for (let depth = 0; depth < 100_000; depth++) deep = [deep]

test.each([
  ['a date', { at: new Date(0) }, 'request.at must be plain JSON'],
  ['a map', { tools: [new Map()] }, 'request.tools[0] must be plain JSON'],
  ['an instance of a class', { point: new Point() }, 'request.point must be plain JSON'],
  ['a function', { run: () => 1 }, 'request.run must be plain JSON'],
  ['what is no number', { heat: NaN }, 'request.heat must be plain JSON to be kept, got NaN'],
  ['infinity', [Infinity], 'request[0] must be plain JSON to be kept, got Infinity'],
  ['undefined', undefined, 'request must be plain JSON to be kept, got undefined'],
  ['undefined in a list', [undefined], 'request[0] must be plain JSON to be kept, got undefined'],
  // eslint-disable-next-line no-sparse-arrays
  ['a hole in a list', [1, , 2], 'request[1] must be plain JSON to be kept, got undefined'],
  ['a big integer', { n: 1n }, 'request cannot be written as JSON'],
  ['a circle', cyclic, 'request cannot be written as JSON'],
  ['what is too deep', deep, 'request cannot be written as JSON'],
])('%s is refused by its path', (_, value, message) => {
  expect(() => write(value)).toThrow(UnstorableError)
  expect(() => write(value)).toThrow(message)
})
