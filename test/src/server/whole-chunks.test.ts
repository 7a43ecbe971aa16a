import fc from 'fast-check'
import { expect, test } from 'vitest'
import { WholeChunks } from '../../../src/server/whole-chunks.ts'
import type { CompletionChunk } from '../../../src/workers/model-worker.ts'

const piece = fc
  .array(fc.constantFrom('a', 'é', '😀', '\ud83d', '\ude00'), { maxLength: 3 })
  .map((parts) => parts.join(''))
const chunk: fc.Arbitrary<CompletionChunk> = fc.record(
  {
    text: piece,
    choice: fc.nat(2),
    reasoning: piece,
    refusal: piece,
    toolCalls: fc.array(fc.record({ index: fc.nat(1), arguments: piece }), { maxLength: 2 }),
    finishReason: fc.constant('stop' as const),
  },
  { requiredKeys: ['text'] },
)

/** The texts of an answer, by choice and field, as they are when each piece goes through `read`. */
function textsOf(chunks: readonly CompletionChunk[], read = (piece: string) => piece): Map<string, string> {
  const texts = new Map<string, string>()
  const add = (choice: number, field: string, text = ''): void => {
    const name = `${choice} ${field}`
    if (text !== '') texts.set(name, (texts.get(name) ?? '') + read(text))
  }
  for (const { choice = 0, text, reasoning, refusal, toolCalls = [] } of chunks) {
    add(choice, 'text', text)
    add(choice, 'reasoning', reasoning)
    add(choice, 'refusal', refusal)
    for (const call of toolCalls) add(choice, `call ${call.index}`, call.arguments)
  }
  return texts
}

test('every text arrives whole, also at a client that cannot join the halves of a character', () => {
  fc.assert(
    fc.property(fc.array(chunk, { maxLength: 12 }), (chunks) => {
      const whole = new WholeChunks()
      const pushed = chunks.map((given) => whole.push(given))
      expect(pushed.map(({ finishReason, choice }) => [finishReason, choice])).toEqual(
        chunks.map(({ finishReason, choice }) => [finishReason, choice]),
      )
      const sent = [...pushed, ...whole.end()]
      const texts = textsOf(chunks)
      expect(textsOf(sent)).toEqual(texts)
      const readable = new Map([...texts].map(([name, text]) => [name, text.toWellFormed()]))
      expect(textsOf(sent, (piece) => piece.toWellFormed())).toEqual(readable)
      expect(whole.end()).toEqual([])
    }),
  )
})

test('a character in two chunks comes with the second', () => {
  const whole = new WholeChunks()
  expect([whole.push({ text: 'a\ud83d' }), whole.push({ text: '\ude00b', finishReason: 'stop' })]).toEqual([
    { text: 'a' },
    { text: '😀b', finishReason: 'stop' },
  ])
})
