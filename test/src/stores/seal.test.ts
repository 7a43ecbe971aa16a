import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checkEncryptionKeys, Seal } from '../../../src/stores/seal.ts'

const keyOf = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)
const first = keyOf(1)
const second = keyOf(2)

test('what is sealed is read again, with a key and without', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      fc.string(),
      fc.constantFrom([], [first], [second, first]),
      (text, owner, keys) => {
        const seal = new Seal(keys)
        expect(seal.open(seal.close(text, owner), owner)).toBe(text)
      },
    ),
  )
})

test('a text that was sealed without a key is read where there is one now', () => {
  expect(new Seal([first]).open(new Seal([]).close('before', 'a'), 'a')).toBe('before')
})

test('the first key encrypts and all decrypt, so keys can be changed', () => {
  const before = new Seal([first]).close('secret', 'a')
  const now = new Seal([second, first])
  expect(now.open(before, 'a')).toBe('secret')
  expect(() => new Seal([first]).open(now.close('secret', 'a'), 'a')).toThrow(
    /encrypted with key [0-9a-f]{8}, which is not given/,
  )
})

test('nothing of the text is seen, and the same text never looks the same', () => {
  const seal = new Seal([first])
  const [one, other] = [seal.close('the prompt', 'a'), seal.close('the prompt', 'a')]
  expect(one.includes('prompt')).toBe(false)
  expect(one.equals(other)).toBe(false)
})

test('whatever byte is changed, and whomever it is given to, it is not read as something else', () => {
  const seal = new Seal([first])
  const sealed = seal.close('the prompt', 'a')
  expect(() => seal.open(sealed, 'b')).toThrow('it was changed after it was encrypted')
  for (let at = 1; at < sealed.length; at++) {
    const changed = Buffer.from(sealed)
    changed[at] = (changed[at] as number) ^ 1
    expect(() => seal.open(changed, 'a')).toThrow(/changed after|which is not given/)
  }
  for (let length = 0; length < sealed.length; length++) {
    expect(() => seal.open(sealed.subarray(0, length), 'a')).toThrow(/changed after|which is not given|begins with/)
  }
})

test('a kind of a later version is told', () => {
  expect(() => new Seal([]).open(Buffer.of(7, 1, 2), 'a')).toThrow('it begins with byte 7, expected 0 or 1')
})

test('digests are equal for equal texts, and differ by key', () => {
  const plain = new Seal([])
  expect(plain.digest('a')).toBe(new Seal([]).digest('a'))
  expect(plain.digest('a')).not.toBe(plain.digest('b'))
  expect(new Seal([first]).digest('a')).toBe(new Seal([first, second]).digest('a'))
  expect(new Set([plain, new Seal([first]), new Seal([second])].map((seal) => seal.digest('a'))).size).toBe(3)
})

test.each([
  ['a text', 'secret', 'encryptionKeys must be a list of keys of 32 bytes'],
  ['a text in the list', ['secret'], 'encryptionKeys[0] must be a Uint8Array of 32 bytes'],
  ['a short key', [first, first.subarray(1)], 'encryptionKeys[1] must have 32 bytes, has 31'],
])('%s is refused, and not shown', (_, keys, message) => {
  expect(() => checkEncryptionKeys('encryptionKeys', keys as never)).toThrow(message)
})
