import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CustomRecogniser } from '../../../src/redaction/custom-recogniser.ts'
import type { RedactionOptions } from '../../../src/redaction/redaction-options.ts'
import { redactor } from '../../../src/redaction/redactor.ts'

const hashKey = 'a key for tests only'
const employee: CustomRecogniser = { kind: 'employee', pattern: 'EMP-\\d{6}', maxChars: 10 }

function redact(text: string, options?: RedactionOptions): string {
  return redactor(options).redact(text)
}

describe('the modes', () => {
  const text = 'ann@example.org, 4111 1111 1111 1111'

  test('mask puts the kind in the place', () => {
    expect(redact(text)).toBe('[email], [card]')
  })

  test('ends a phone number before the card that follows it', () => {
    expect(redact('+49 30 1234567 4111 1111 1111 1111')).toBe('[phone] [card]')
    expect(redact('call (212) 555-0147 4111-1111-1111-1111 now')).toBe('call [phone] [card] now')
    expect(redact('+49 30 1234567 4111')).toBe('[phone]')
  })

  test('mask may keep the last four digits of a card', () => {
    expect(redact(text, { keepLast4: true })).toBe('[email], [card 1111]')
  })

  test('remove leaves nothing', () => {
    expect(redact(text, { mode: 'remove' })).toBe(', ')
  })

  test('hash puts a digest there, which another key changes', () => {
    const one = redact(text, { mode: 'hash', hashKey })
    expect(one).toMatch(/^\[email:[a-p]{12}\], \[card:[a-p]{12}\]$/)
    expect(redact(text, { mode: 'hash', hashKey })).toBe(one)
    expect(redact(text, { mode: 'hash', hashKey: `${hashKey}!` })).not.toBe(one)
  })

  test('off leaves everything', () => {
    expect(redact(text, { mode: 'off' })).toBe(text)
  })

  test('a kind may have a mode of its own', () => {
    expect(redact(text, { kinds: { email: 'off' } })).toBe('ann@example.org, [card]')
    expect(redact(text, { mode: 'off', kinds: { card: 'remove' } })).toBe('ann@example.org, ')
  })

  test('what was redacted is not redacted again', () => {
    for (const mode of ['mask', 'hash'] as const) {
      const once = redact(`${text}, tel. 12345678, 10.0.0.1`, { mode })
      expect(redact(once, { mode })).toBe(once)
    }
  })
})

describe('digests', () => {
  const digest = (text: string): string => redact(text, { mode: 'hash', hashKey, recognisers: [employee] })

  test.each([
    ['Ann@Example.org', 'ann@example.ORG'],
    ['4111 1111 1111 1111', '4111-1111-1111-1111'],
    ['DE89 3704 0044 0532 0130 00', 'de89370400440532013000'],
    ['+49 (0)30 1234567', '0049 30-1234567'],
    ['2001:DB8::1', '2001:db8::1'],
  ])('are the same for %s and %s', (one, other) => {
    expect(digest(other)).toBe(digest(one))
  })

  test('are the same for a number that a word before names', () => {
    expect(digest('SSN 219 09 9998')).toBe(digest('SSN 219-09-9998'))
    expect(digest('tel. 5551234567')).toBe(digest('tel. 555-123-4567'))
  })

  test('differ with the value, and with the kind', () => {
    expect(digest('ann@example.org')).not.toBe(digest('bob@example.org'))
    const [, one] = /:(\w+)\]/.exec(digest('EMP-123456'))!
    const other = redact('EMP-123456', { mode: 'hash', hashKey, recognisers: [{ ...employee, kind: 'staff' }] })
    expect(other).not.toContain(one)
  })

  test('are the same in one process where no key is given', () => {
    const [one, other] = [redactor({ mode: 'hash' }), redactor({ mode: 'hash' })]
    expect(one.redact('ann@example.org')).toBe(other.redact('ann@example.org'))
    expect(one.redact('ann@example.org')).not.toBe(redact('ann@example.org', { mode: 'hash', hashKey }))
  })
})

describe('recognisers of a user', () => {
  test('find by a pattern, at words only', () => {
    const text = 'EMP-123456, xEMP-123456, EMP-1234567, (EMP-654321)'
    expect(redact(text, { recognisers: [employee] })).toBe('[employee], xEMP-123456, EMP-1234567, ([employee])')
  })

  test('find by a function, and check what was found', () => {
    const even: CustomRecogniser = {
      kind: 'even',
      find: (text) => /^\d+/.exec(text)?.[0].length ?? 0,
      maxChars: 5,
      check: (entity) => Number(entity) % 2 === 0,
    }
    expect(redact('12 13 14x 123456 16', { recognisers: [even] })).toBe('[even] 13 14x 123456 [even]')
  })

  test('win over a built-in one of the same length, and lose to a longer one', () => {
    const digits: CustomRecogniser = { kind: 'digits', pattern: '\\d+', maxChars: 16 }
    expect(redact('4111111111111111', { recognisers: [digits] })).toBe('[digits]')
    expect(redact('4111 1111 1111 1111', { recognisers: [digits] })).toBe('[card]')
  })

  test('take hostile patterns and texts in linear time', () => {
    const hostile: CustomRecogniser = { kind: 'hostile', pattern: '(a+)+b', maxChars: 1024 }
    expect(redact('a'.repeat(5000), { recognisers: [hostile] })).toBe('a'.repeat(5000))
  })

  test('may have a mode of their own', () => {
    expect(redact('EMP-123456', { recognisers: [employee], kinds: { employee: 'off' } })).toBe('EMP-123456')
  })
})

test('of entities that overlap the leftmost is taken, of those the longest', () => {
  expect(redact('4111111111111111@example.org')).toBe('[email]')
  expect(redact('SSN 219-09-9998@example.org')).toBe('SSN [email]')
})

test('each entity is told by its kind', () => {
  const told: string[] = []
  redactor().redact('ann@example.org 10.0.0.1 bob@example.org', (kind) => told.push(kind))
  expect(told).toEqual(['email', 'ip', 'email'])
})

test.each<[object, string]>([
  [{ mode: 'blur' }, 'mode must be one of "mask", "remove", "hash", "off", got "blur"'],
  [{ modes: {} }, 'unknown option "modes"; known are mode, kinds, recognisers, hashKey, keepLast4'],
  [{ kinds: { mail: 'mask' } }, 'kinds: unknown option "mail"; known are email, phone, card, iban, ssn, ip'],
  [{ kinds: { email: 'yes' } }, 'kinds.email must be one of "mask", "remove", "hash", "off", got "yes"'],
  [{ kinds: 'email' }, 'kinds: options must be an object, got "email"'],
  [{ hashKey: 'short' }, 'hashKey must have 16 characters or more, got 5'],
  [{ hashKey: 7 }, 'hashKey must be a string, got 7'],
  [{ keepLast4: 'yes' }, 'keepLast4 must be true or false, got "yes"'],
  [{ recognisers: {} }, 'recognisers must be an array, got an object'],
  [{ recognisers: [7] }, 'recognisers[0]: options must be an object, got 7'],
  [{ recognisers: [{ ...employee, kind: 'email' }] }, 'recognisers[0].kind must not be a built-in one, got "email"'],
  [{ recognisers: [{ ...employee, kind: 'A b' }] }, 'recognisers[0].kind must be a lower-case word'],
  [{ recognisers: [{ ...employee, maxChars: 0 }] }, 'recognisers[0].maxChars must be a whole number from 1 to 1024'],
  [
    { recognisers: [{ ...employee, pattern: '(' }] },
    "recognisers[0].pattern must be a regular expression in RE2's syntax",
  ],
  [
    { recognisers: [{ ...employee, pattern: '(a)\\1' }] },
    "recognisers[0].pattern must be a regular expression in RE2's",
  ],
  [{ recognisers: [{ kind: 'x', maxChars: 5 }] }, 'recognisers[0] must have either pattern or find, got neither'],
  [{ recognisers: [{ ...employee, find: () => 0 }] }, 'recognisers[0] must have either pattern or find, got both'],
  [{ recognisers: [{ kind: 'x', maxChars: 5, find: 5 }] }, 'recognisers[0].find must be a function, got 5'],
  [{ recognisers: [{ ...employee, check: 'yes' }] }, 'recognisers[0].check must be a function, got "yes"'],
  [{ recognisers: [{ ...employee, regex: 'x' }] }, 'recognisers[0]: unknown option "regex"'],
])('options that are wrong are named: %j', (options, message) => {
  expect(() => redactor(options)).toThrow(message)
})

describe('texts that are kept', () => {
  const url = 'http://10.0.0.5:8399/v1'
  const keep = [url, '10.0.0.5:8399']

  test.each([
    [
      `cannot reach ${url}: connect ECONNREFUSED 10.0.0.5:8399`,
      `cannot reach ${url}: connect ECONNREFUSED 10.0.0.5:8399`,
    ],
    [`"${url}", ${url}/models (${url})`, `"${url}", ${url}/models (${url})`],
    ['from 10.0.0.5 and 10.0.0.6:8399 and 110.0.0.5:8399', 'from [ip] and [ip]:8399 and [ip]:8399'],
    ['ann@10.0.0.5:8399x, 10.0.0.5:83991', 'ann@[ip]:8399x, [ip]:83991'],
    [`${url}@example.org`, 'http://10.0.0.5:8399/[email]'],
    [`${url} 4111 1111 1111 1111`, 'http://10.0.0.5:8399/v1 [card]'],
    [`${url}: 4111 1111 1111 1111, ann@example.org`, `${url}: [card], [email]`],
  ])('%s', (text, expected) => {
    const counted: string[] = []
    expect(redactor({ keep }).redact(text, (kind) => counted.push(kind))).toBe(expected)
    expect(counted.length).toBe(expected.split('[').length - 1)
  })

  test('are found however the text is cut', () => {
    const whole = redactor({ keep })
    const words = fc.constantFrom(url, '10.0.0.5:8399', '10.0.0.5', ' ', ':', '.', '1', '@', '4111 1111 1111 1111', 'a')
    const texts = fc.array(words, { maxLength: 12 }).map((parts) => parts.join(''))
    fc.assert(
      fc.property(texts, (text) => {
        const stream = whole.stream()
        expect(Array.from(text, (unit) => stream.push(unit)).join('') + stream.end()).toBe(whole.redact(text))
      }),
    )
  })

  test('are texts, and have a length', () => {
    expect(() => redactor({ keep: [''] })).toThrow('keep[0] must not be empty')
    expect(() => redactor({ keep: ['a', 'x'.repeat(1025)] })).toThrow(
      'keep[1] must have at most 1024 characters, got 1025',
    )
    expect(() => redactor({ keep: 'x' as never })).toThrow('keep must be an array, got "x"')
  })
})
