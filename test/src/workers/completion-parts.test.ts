import fc from 'fast-check'
import { expect, test } from 'vitest'
import { chunksOf } from '../../../src/workers/completion-chunks.ts'
import { CompletionParts } from '../../../src/workers/completion-parts.ts'
import type { Completion, CompletionChoice, CompletionChunk, TokenLogprob } from '../../../src/workers/model-worker.ts'

function together(chunks: Iterable<CompletionChunk>): Completion {
  const parts = new CompletionParts()
  for (const chunk of chunks) parts.add(chunk)
  return parts.completion
}

const texts = fc.string({ minLength: 1, maxLength: 5 })

const logprobs: fc.Arbitrary<TokenLogprob[]> = fc.array(
  fc.record({ token: texts, logprob: fc.constant(-0.5), bytes: fc.constant(null), topLogprobs: fc.constant([]) }),
  { minLength: 1, maxLength: 3 },
)

const choice: fc.Arbitrary<CompletionChoice> = fc.record(
  {
    text: fc.string({ maxLength: 5 }),
    finishReason: fc.constantFrom('stop', 'length', 'tool_calls', 'content_filter'),
    reasoning: texts,
    refusal: texts,
    toolCalls: fc.array(fc.record({ id: texts, name: texts, arguments: texts }), { minLength: 1, maxLength: 3 }),
    logprobs,
    refusalLogprobs: logprobs,
  },
  { requiredKeys: ['text', 'finishReason'] },
)

const completion: fc.Arbitrary<Completion> = fc
  .record(
    {
      first: choice,
      alternatives: fc.array(choice, { minLength: 1, maxLength: 3 }),
      usage: fc.record({ promptTokens: fc.nat(9), completionTokens: fc.nat(9) }),
    },
    { requiredKeys: ['first'] },
  )
  .map(({ first, ...rest }) => ({ ...first, ...rest }))

test('an answer that is taken apart and put together is the same', () => {
  fc.assert(
    fc.property(completion, (whole) => {
      expect(together(chunksOf(whole))).toEqual(whole)
    }),
  )
})

test('it does not matter how choices and calls interleave', () => {
  const call = (index: number, piece: string, id?: string): CompletionChunk => ({
    text: '',
    choice: 1,
    toolCalls: [{ index, arguments: piece, ...(id !== undefined && { id, name: `tool-${id}` }) }],
  })
  expect(
    together([
      { text: 'a' },
      call(1, '{"x":', 'second'),
      { text: 'b' },
      call(0, '{}', 'first'),
      call(1, '1}'),
      { text: '', choice: 1, finishReason: 'tool_calls' },
      { text: '', finishReason: 'length' },
    ]),
  ).toEqual({
    text: 'ab',
    finishReason: 'length',
    alternatives: [
      {
        text: '',
        finishReason: 'tool_calls',
        toolCalls: [
          { id: 'first', name: 'tool-first', arguments: '{}' },
          { id: 'second', name: 'tool-second', arguments: '{"x":1}' },
        ],
      },
    ],
  })
})

test('a choice of which nothing came is empty, so that the others keep their places', () => {
  expect(together([{ text: 'c', choice: 2 }]).alternatives).toEqual([
    { text: '', finishReason: 'stop' },
    { text: 'c', finishReason: 'stop' },
  ])
})
