import fc from 'fast-check'
import { expect, test } from 'vitest'
import { joined, writeBytes } from '../../../src/server/joined.ts'

const piece = fc
  .tuple(fc.constantFrom('x', 'é', '語', '😀'), fc.oneof(fc.nat(20), fc.nat(40_000)))
  .map(([letter, times]) => letter.repeat(times))

test('pieces come whole and in their order, in as few texts as their bytes allow', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), fc.constantFrom('', ',', '; '), (pieces, separator) => {
      const texts = [...joined(pieces, separator)]
      expect(texts.join(separator) === pieces.filter((each) => each !== '').join(separator)).toBe(true)
      for (const text of texts) {
        if (Buffer.byteLength(text) > writeBytes) expect(pieces.includes(text)).toBe(true)
      }
      const rest = pieces.filter((each) => each !== '')
      for (const [index, text] of texts.entries()) {
        // The piece that comes first would not have fitted into the text before.
        if (index > 0) expect(Buffer.byteLength(texts[index - 1]! + separator + rest[0]!)).toBeGreaterThan(writeBytes)
        let taken = rest.shift()!
        while (taken !== text) taken += separator + rest.shift()!
      }
    }),
  )
})

test('a text is made when it is asked for', () => {
  let made = 0
  const pieces = function* () {
    for (; made < 10; made++) yield 'x'.repeat(writeBytes)
  }
  const texts = joined(pieces())
  texts.next()
  expect(made).toBe(1)
})
