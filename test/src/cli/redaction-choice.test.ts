import { describe, expect, test } from 'vitest'
import { describeRedaction, redactionChoice, redactionOptions } from '../../../src/cli/redaction-choice.ts'
import { redactor } from '../../../src/redaction/redactor.ts'

const key = 'a key for tests only'

test('nothing is redacted where it is not asked for', () => {
  expect(redactionChoice({}, undefined)).toBeUndefined()
  expect(redactionChoice({ redact: 'off' }, key)).toBeUndefined()
  expect(describeRedaction(undefined)).toContain('off')
})

test('all kinds, or those that are named', () => {
  const choice = redactionChoice({ redact: 'mask' }, undefined)!
  expect(describeRedaction(choice)).toBe('mask: email, phone, card, iban, ssn, ip')
  const some = redactionChoice({ redact: 'remove', redactKinds: 'email, ip,email' }, undefined)!
  expect(some.kinds).toEqual(['email', 'ip'])
  const { redact } = redactor(redactionOptions(some))
  expect(redact('ann@example.org 10.0.0.7 219-09-9998')).toBe('  219-09-9998')
})

test('digests have the key of the environment, or one that ends with the process', () => {
  const keyed = redactionChoice({ redact: 'hash' }, key)!
  const text = 'ann@example.org'
  expect(redactor(redactionOptions(keyed)).redact(text)).toBe(redactor({ mode: 'hash', hashKey: key }).redact(text))
  expect(describeRedaction(keyed)).not.toContain('key')
  expect(describeRedaction(redactionChoice({ redact: 'hash' }, undefined))).toContain(
    'the key of the digests ends with this process',
  )
})

describe('what is wrong is named', () => {
  test.each<[object, string | undefined, string]>([
    [{ redact: 'blur' }, undefined, '--redact must be one of "mask", "remove", "hash", "off", got "blur"'],
    [{ redact: 'mask', redactKinds: 'mail' }, undefined, '--redact-kinds must be one of "email", "phone", "card"'],
    [{ redact: 'mask', redactKinds: '' }, undefined, '--redact-kinds must be one of'],
    [{ redactKinds: 'email' }, undefined, '--redact, which must be one of "mask", "remove", "hash"'],
    [{ redact: 'hash' }, 'short', 'SPILLWAY_REDACT_KEY must have 16 characters or more, got 5'],
  ])('%j %j', (given, hashKey, message) => {
    expect(() => redactionChoice(given, hashKey)).toThrow(message)
  })
})
