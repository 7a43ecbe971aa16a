import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nearestName } from '../../../../src/cli/simulate/nearest-name.ts'

const known = ['capacity', 'concurrency', 'overflow', 'overload', 'ttlMs']

test.each([
  ['capacty', 'capacity'],
  ['cpaacity', 'capacity'],
  ['Concurency', 'concurrency'],
  ['overlaod', 'overload'],
  ['ttl', undefined],
  ['ttlms', 'ttlMs'],
  ['deadLetter', undefined],
  ['', undefined],
])('%j was probably meant to be %j', (name, meant) => {
  expect(nearestName(name, known)).toBe(meant)
})

test('with one character wrong it is found, and what is known is nearest to itself', () => {
  fc.assert(
    fc.property(fc.constantFrom(...known), fc.nat(), fc.constantFrom('', 'x', 'xy'), (name, at, put) => {
      const place = at % name.length
      expect(nearestName(name, known)).toBe(name)
      expect(nearestName(name.slice(0, place) + put.slice(0, 1) + name.slice(place + 1), known)).toBe(name)
    }),
  )
})

test('where nothing is known nothing is near', () => {
  expect(nearestName('capacity', [])).toBeUndefined()
})
