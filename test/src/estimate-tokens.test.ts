import fc from 'fast-check'
import { estimateTokenCount } from 'tokenx'
import { expect, test } from 'vitest'
import { estimateTokens } from '../../src/estimate-tokens.ts'

const pieces = fc
  .array(
    fc.constantFrom(
      'a',
      'The',
      ' ',
      '\n',
      '  ',
      '12',
      '.',
      '...',
      'getElement',
      'abcdefgh',
      'abcdefghi',
      '"',
      '\t',
      '\r\n',
    ),
  )
  .map((parts) => parts.join(''))

test('for ASCII it is what tokenx says', () => {
  fc.assert(
    fc.property(fc.oneof(pieces, fc.string({ unit: 'binary-ascii' })), (text) => {
      expect(estimateTokens(text)).toBe(estimateTokenCount(text))
    }),
  )
})

test('words of other scripts are as tokenx counts them', () => {
  for (const word of ['Größe', 'naïve', '漢字', 'かな', '안녕', '🙂', '“quoted”', 'x²', 'привет']) {
    expect(estimateTokens(`see ${word} here`)).toBe(2 + estimateTokenCount(word))
  }
})

test('whatever the text is, the estimate is a whole number of tokens, and more text has no fewer', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const tokens = estimateTokens(text)
      expect(Number.isInteger(tokens) && tokens >= 0).toBe(true)
      expect(estimateTokens(`${text} more words`)).toBeGreaterThanOrEqual(tokens)
    }),
  )
})
