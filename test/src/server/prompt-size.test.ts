import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { GenerationParameters } from '../../../src/generation-parameters.ts'
import type { ChatMessage } from '../../../src/prompt-request.ts'
import { overlongPrompt } from '../../../src/server/prompt-size.ts'

const names = { messages: 'messages', tools: 'tools', responseFormat: 'response_format', extra: null }
const text = fc.string({ maxLength: 20 })

test('all that the model reads of a message counts, to the character', () => {
  fc.assert(
    fc.property(text, text, text, text, text, text, text, (content, reasoning, name, toolCallId, id, called, args) => {
      const toolCalls = [{ id, name: called, arguments: args }]
      const messages: ChatMessage[] = [{ role: 'assistant', content, reasoning, name, toolCallId, toolCalls }]
      const chars = [content, reasoning, name, toolCallId, id, called, args].join('').length
      expect(overlongPrompt(messages, {}, chars, names)).toBeUndefined()
      if (chars > 0) expect(overlongPrompt(messages, {}, chars - 1, names)?.message).toMatch(`got ${chars}`)
    }),
  )
})

test.each<[string, GenerationParameters]>([
  ['tools', { tools: [{ name: 'f', description: 'x'.repeat(40) }] }],
  ['response_format', { responseFormat: { type: 'json_schema', name: 'x'.repeat(40) } as never }],
  ["the fields that are only the model's", { extra: { chat_template_kwargs: { note: 'x'.repeat(40) } } }],
])('%s count, alone and together with the messages', (name, parameters) => {
  const own = JSON.stringify(Object.values(parameters)[0]).length
  const messages: ChatMessage[] = [{ role: 'user', content: 'hi' }]
  expect(overlongPrompt(messages, parameters, own + 2, names)).toBeUndefined()
  expect(overlongPrompt(messages, parameters, own + 1, names)).toMatchObject({
    param: 'messages',
    code: 'context_length_exceeded',
    message: `messages, tools, schemas and extra fields together must hold at most ${own + 1} characters (the limit promptChars), got ${own + 2}`,
  })
  const alone = overlongPrompt(messages, parameters, own - 1, names)
  expect(alone?.param).toBe(name.includes(' ') ? null : name)
  expect(alone?.message).toMatch(`${name} must hold at most ${own - 1} characters`)
})
