import { expect, test } from 'vitest'
import { documentOptions, documentSettings } from '../../../src/cli/document-settings.ts'

test('what is not given is as in code', () => {
  expect(documentSettings({})).toEqual({ maxBytes: 10_000_000, chunks: { maxTokens: 256, overlapTokens: 25 } })
})

test('the overlap is a tenth of the tokens unless it is given', () => {
  expect(documentSettings({ chunkTokens: '512' }).chunks).toEqual({ maxTokens: 512, overlapTokens: 51 })
  expect(documentSettings({ chunkTokens: '16', chunkOverlapTokens: '8', maxBytes: '1' })).toEqual({
    maxBytes: 1,
    chunks: { maxTokens: 16, overlapTokens: 8 },
  })
})

test.each([
  [{ maxBytes: '0' }, RangeError, '--max-bytes must be a whole number from 1 to 1000000000, got 0'],
  [{ maxBytes: '10MB' }, TypeError, '--max-bytes must be a whole number from 1 to 1000000000, got "10MB"'],
  [{ chunkTokens: '15' }, RangeError, '--chunk-tokens must be a whole number from 16 to 100000, got 15'],
  [{ chunkTokens: '1e3' }, TypeError, '--chunk-tokens must be a whole number from 16 to 100000, got "1e3"'],
  [{ chunkOverlapTokens: '129' }, RangeError, '--chunk-overlap-tokens must be a whole number from 0 to 128, got 129'],
  [
    { chunkTokens: '40', chunkOverlapTokens: '-1' },
    RangeError,
    '--chunk-overlap-tokens must be a whole number from 0 to 20, got -1',
  ],
])('%o is refused', (given, kind, message) => {
  expect(() => documentSettings(given)).toThrow(message)
  expect(() => documentSettings(given)).toThrow(kind)
})

test('each option has its place in the help', () => {
  expect(documentOptions.map(([flags]) => flags.split(' ')[0])).toEqual([
    '--max-bytes',
    '--chunk-tokens',
    '--chunk-overlap-tokens',
  ])
})
