import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { appendTurn, type Conversation, emptyConversation, readConversation } from '../../src/conversation.ts'
import type { ChatMessage } from '../../src/prompt-request.ts'
import { StoreError } from '../../src/stores/store-error.ts'

const turn = (question: string, answer: string): readonly ChatMessage[] => [
  { role: 'user', content: question },
  { role: 'assistant', content: answer },
]
const bytesOf = (conversation: Conversation): number => Buffer.byteLength(JSON.stringify(conversation))

test('what was said is appended', () => {
  const first = appendTurn(emptyConversation, turn('a', 'b'), 1000)
  expect(appendTurn(first, turn('c', 'd'), 1000)).toEqual({
    messages: [...turn('a', 'b'), ...turn('c', 'd')],
    dropped: 0,
  })
})

test('the oldest turns go, whole, with the call of a tool and its result', () => {
  const withTool: readonly ChatMessage[] = [
    { role: 'user', content: 'a' },
    { role: 'assistant', content: '', toolCalls: [{ id: '1', name: 'f', arguments: '{}' }] },
    { role: 'tool', content: 'x', toolCallId: '1' },
    { role: 'assistant', content: 'b' },
  ]
  const before = appendTurn(appendTurn(emptyConversation, withTool, 1000), turn('c', 'd'), 1000)
  const after: Conversation = { messages: [...turn('c', 'd'), ...turn('e', 'f')], dropped: 1 }
  expect(appendTurn(before, turn('e', 'f'), bytesOf(before))).toEqual(after)
})

test('exactly as many go as must', () => {
  const message = fc.record({
    role: fc.constantFrom('user', 'assistant', 'tool', 'system'),
    content: fc.string({ unit: 'binary', maxLength: 40 }),
  }) satisfies fc.Arbitrary<ChatMessage>
  const turnOf = fc
    .tuple(fc.string({ unit: 'binary', maxLength: 40 }), fc.array(message, { maxLength: 3 }))
    .map(([content, answers]): readonly ChatMessage[] => [
      { role: 'user', content },
      ...answers.map((answer) => (answer.role === 'user' ? { ...answer, role: 'assistant' as const } : answer)),
    ])
  fc.assert(
    fc.property(fc.array(turnOf, { maxLength: 12 }), fc.nat(120), fc.nat(1000), (turns, dropped, maxBytes) => {
      const [last = [], ...earlier] = turns.toReversed()
      const found = appendTurn({ messages: earlier.toReversed().flat(), dropped }, last, maxBytes)
      const rests = Array.from({ length: turns.length + 1 }, (_, at) => ({
        messages: turns.slice(at).flat(),
        dropped: dropped + at,
      }))
      expect(found).toEqual(rests.find((rest) => bytesOf(rest) <= maxBytes) ?? rests.at(-1))
    }),
  )
})

test('a turn that is too large by itself is dropped and counted', () => {
  expect(appendTurn(emptyConversation, turn('a', 'b'.repeat(100)), 100)).toEqual({ messages: [], dropped: 1 })
})

test('what was appended to stays as it was', () => {
  const before = appendTurn(emptyConversation, turn('a', 'b'), 1000)
  const copy = structuredClone(before)
  appendTurn(before, turn('c', 'd'), 0)
  expect(before).toEqual(copy)
  expect(emptyConversation).toEqual({ messages: [], dropped: 0 })
})

test('a state is read as the conversation that it is, or refused', () => {
  const conversation = appendTurn(emptyConversation, turn('a', 'b'), 1000)
  expect(readConversation(JSON.parse(JSON.stringify(conversation)))).toEqual(conversation)
  expect(readConversation(undefined)).toEqual(emptyConversation)
  for (const state of [
    null,
    'text',
    {},
    { messages: [] },
    { messages: {}, dropped: 0 },
    { messages: [], dropped: 'a' },
  ]) {
    expect(() => readConversation(state)).toThrow(StoreError)
  }
})
