import fc from 'fast-check'
import { expect, test } from 'vitest'
import { customRecogniser, type CustomRecogniser } from '../../../src/redaction/custom-recogniser.ts'
import { email } from '../../../src/redaction/email.ts'
import { iban } from '../../../src/redaction/iban.ts'
import { ipv4 } from '../../../src/redaction/ipv4.ts'
import { ipv6 } from '../../../src/redaction/ipv6.ts'
import { paymentCard } from '../../../src/redaction/payment-card.ts'
import { phone } from '../../../src/redaction/phone.ts'
import { lookAhead, more } from '../../../src/redaction/recogniser.ts'
import { RedactionEngine, tableOf } from '../../../src/redaction/redaction-engine.ts'
import { redactor } from '../../../src/redaction/redactor.ts'
import { usSsn } from '../../../src/redaction/us-ssn.ts'
import { lookBehind } from '../../../src/redaction/words-before.ts'
import { cut, filtered } from '../stages/filtered.ts'
import { trickyText } from './tricky-text.ts'

const employee: CustomRecogniser = { kind: 'employee', pattern: 'EMP-\\d{6}\\b', maxChars: 10 }
const recognisers = [email, iban, paymentCard, usSsn, ipv4, ipv6, phone, customRecogniser('employee', employee)]
const everything = { recognisers: [employee], hashKey: 'a key for tests only' }

test.each(['mask', 'hash'] as const)('%s: however a text is cut, the result is that of the whole', (mode) => {
  const whole = redactor({ ...everything, mode })
  fc.assert(
    fc.property(trickyText, fc.array(fc.nat(), { maxLength: 40 }), (text, places) => {
      const pieces = cut(
        text,
        places.map((place) => place % (text.length + 1)),
      )
      expect(filtered(whole.stream(), pieces).text).toBe(whole.redact(text))
    }),
    { numRuns: 3000 },
  )
})

test('unit by unit, the result is that of the whole', () => {
  const whole = redactor(everything)
  fc.assert(
    fc.property(trickyText, (text) => {
      expect(filtered(whole.stream(), text.split('')).text).toBe(whole.redact(text))
    }),
    { numRuns: 1000 },
  )
})

test('what a recogniser says of a text that may go on stays true however it goes on', () => {
  fc.assert(
    fc.property(trickyText, fc.nat(), fc.nat(), (text, place, length) => {
      const at = place % (text.length + 1)
      const beginning = text.slice(0, at + 1 + (length % 80))
      if (at >= beginning.length) return
      for (const recogniser of recognisers) {
        if (!recogniser.starts(text.charCodeAt(at))) continue
        const early = recogniser.match(beginning, at, false)
        if (early !== more)
          expect([recogniser.kind, early]).toEqual([recogniser.kind, recogniser.match(text, at, true)])
      }
    }),
    { numRuns: 10_000 },
  )
})

test('a recogniser rests on no more than the text that it may look at, and decides once it has that', () => {
  fc.assert(
    fc.property(trickyText, fc.nat(), (text, place) => {
      const at = place % (text.length + 1)
      if (at === text.length) return
      for (const recogniser of recognisers) {
        if (!recogniser.starts(text.charCodeAt(at))) continue
        const said = recogniser.match(text, at, true)
        expect(said).not.toBe(more)
        const behind = Math.max(0, at - lookBehind)
        const ahead = text.slice(behind, at + recogniser.maxChars + lookAhead)
        if (ahead.length < text.length - behind) {
          const alone = recogniser.match(ahead, at - behind, false)
          expect([recogniser.kind, alone]).toEqual([recogniser.kind, said === 0 ? 0 : said - behind])
        }
      }
    }),
    { numRuns: 10_000 },
  )
})

test('no more is held back than the longest entity and what is looked at behind it', () => {
  const { holdBack } = redactor(everything)
  expect(holdBack).toBe(257)
  const table = tableOf(recognisers)
  fc.assert(
    fc.property(fc.array(trickyText, { maxLength: 8 }), (texts) => {
      // Each entity is replaced by itself, so that what has not come out is what is held back.
      const engine = new RedactionEngine(table, (_, entity) => entity)
      let held = 0
      for (const unit of texts.join('').split('')) {
        held += 1 - engine.push(unit).length
        expect(held).toBeLessThan(holdBack)
      }
    }),
    { numRuns: 300 },
  )
})

test('prose goes out up to its last word', () => {
  const stream = redactor().stream()
  expect(stream.push('Take the second road (not the third), then')).toBe('Take the second road (not the third), ')
  expect(stream.push(' turn left: 5 km')).toBe('then turn left: 5 ')
  expect(stream.push(' later you')).toBe('km later ')
  expect(stream.push('. 你好，世界')).toBe('you. 你好，世界')
  expect(stream.end()).toBe('')
})

test('what is the beginning of an entity waits until it is one, or none', () => {
  const stream = redactor().stream()
  expect(stream.push('Ask ann@example')).toBe('Ask ')
  expect(stream.push('.org')).toBe('')
  expect(stream.push(' or')).toBe('[email] ')
  expect(stream.push(' 4111 1111 1111')).toBe('or ')
  expect(stream.push(' 1112 ')).toBe('')
  expect(stream.end()).toBe('4111 1111 1111 1112 ')
})
