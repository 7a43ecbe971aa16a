import { expect, test } from 'vitest'
import { LetterCodec } from '../../../src/stores/letter-codec.ts'

const key = new Uint8Array(32).fill(7)

test('ids and sessions that differ only where they are no valid text have different keys', () => {
  for (const codec of [new LetterCodec([], 1_000), new LetterCodec([key], 1_000)]) {
    expect(codec.keyOf('a\ud800')).not.toBe(codec.keyOf('a\udc00'))
    expect(codec.sessionKeyOf('a\ud800')).not.toBe(codec.sessionKeyOf('a\udc00'))
  }
})
