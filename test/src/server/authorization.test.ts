import { expect, test } from 'vitest'
import { createAuthorization, keyDigest } from '../../../src/server/authorization.ts'

test('without a key everybody is let in', () => {
  expect(createAuthorization(undefined)(undefined)).toBeUndefined()
})

test('each of several keys will do, so that they can be changed one after the other', () => {
  const authorize = createAuthorization(['old', 'new'])
  for (const header of ['Bearer old', 'bearer new', 'BEARER  new  ']) expect(authorize(header)).toBeUndefined()
})

test.each([
  undefined,
  '',
  'Bearer',
  'Bearer ',
  'Bearer ol',
  'Bearer oldd',
  'Bearer OLD',
  'Bearer old,new',
  'Bearer old new',
  'Bearer\told',
  'Basic old',
  'old',
  `Bearer ${'x'.repeat(10_000)}`,
])('%j is refused without being quoted', (header) => {
  const refusal = createAuthorization(['old', 'new'])(header)
  expect(refusal).toMatchObject({ status: 401, code: 'invalid_api_key', type: 'authentication_error' })
  expect(refusal!.message).not.toMatch(/old|xxx/)
})

test.each([
  [[], 'apiKey must hold at least one key'],
  [7, 'apiKey must be a string or an array of strings'],
  [['good', 'two words'], 'apiKey must be printable ASCII'],
  ['', 'apiKey must not be empty'],
])('keys that cannot be shown in a header are refused without being quoted: %j', (keys, message) => {
  expect(() => createAuthorization(keys as string)).toThrow(message)
  expect(() => createAuthorization(keys as string)).not.toThrow('two words')
})

test('keys are told apart by a digest, which is the same however the header is written', () => {
  expect(keyDigest('bearer  new ')).toBe(keyDigest('Bearer new'))
  expect(keyDigest('Bearer old')).not.toBe(keyDigest('Bearer new'))
  expect(keyDigest('Bearer new')).toMatch(/^[0-9a-f]{64}$/)
})
