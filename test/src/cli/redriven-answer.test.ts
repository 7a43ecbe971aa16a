import { expect, test } from 'vitest'
import { redrivenAnswer } from '../../../src/cli/redriven-answer.ts'

test('an answer is put together, and cut where it is too long', () => {
  const usage = { inputTokens: 1, outputTokens: 2 }
  expect(redrivenAnswer({ chunks: [{ text: 'hel' }, { text: 'lo', finishReason: 'stop', usage }] })).toEqual({
    ...{ text: 'hello', finishReason: 'stop', usage },
  })
  const long = redrivenAnswer({ chunks: Array.from({ length: 100 }, () => ({ text: 'x'.repeat(1_000) })) })
  expect(long).toEqual({ text: 'x'.repeat(65_536), cut: true, finishReason: 'stop' })
  expect(redrivenAnswer({})).toMatchObject({ text: '' })
})
