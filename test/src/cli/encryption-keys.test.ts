import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encryptionKeys } from '../../../src/cli/encryption-keys.ts'

const key = fc.uint8Array({ minLength: 32, maxLength: 32 })
const written = fc.constantFrom('hex', 'base64', 'base64url' as const)

test('keys are read in hex and base64, in their order', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(key, written), { minLength: 1, maxLength: 4 }), (keys) => {
      const text = keys.map(([bytes, form]) => Buffer.from(bytes).toString(form as 'hex')).join(', ')
      expect(encryptionKeys('KEY', text).map((each) => [...each])).toEqual(keys.map(([bytes]) => [...bytes]))
    }),
  )
  expect(encryptionKeys('KEY', undefined)).toEqual([])
})

test.each([
  ['secret', 'got 6 characters'],
  ['z'.repeat(64), 'got 64 characters that are neither'],
  [`${'ab'.repeat(32)},${'A'.repeat(42)}`, 'key 2 of 2 has 42 characters'],
  [`${'ab'.repeat(32)},`, 'key 2 of 2 has 0 characters'],
])('%s is refused, and not printed', (text, what) => {
  let message = ''
  try {
    encryptionKeys('KEY', text)
  } catch (error) {
    message = (error as Error).message
  }
  expect(message).toContain(`KEY must be keys of 32 bytes in hex (64 digits) or base64 (44 characters)`)
  expect(message.endsWith(what)).toBe(true)
  expect(message).not.toContain(text)
})
