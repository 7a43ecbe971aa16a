import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkChatRequest } from '../../../src/server/chat-request.ts'

const rules = { models: ['llama', 'qwen'], promptChars: 100 }
const hello = [{ role: 'user', content: 'hello' }]

function refusalOf(body: unknown): { status: number; param: string | null; code: string; message: string } {
  const result = checkChatRequest(body, rules)
  if (result.ok) throw new Error('the body was accepted')
  return result.refusal
}

function acceptedOf(body: unknown): ReturnType<typeof checkChatRequest> & { ok: true } {
  const result = checkChatRequest(body, rules)
  if (!result.ok) throw new Error(result.refusal.message)
  return result
}

describe('what is accepted', () => {
  test('everything that is known is carried over', () => {
    const body = {
      model: 'qwen',
      messages: [
        { role: 'developer', content: 'be brief' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'hel' },
            { type: 'text', text: 'lo' },
          ],
          name: 'ann',
        },
      ],
      stream: true,
      stream_options: { include_usage: true },
      user: 'u1',
      temperature: 0.5,
      top_p: 0.9,
      max_tokens: 5,
      max_completion_tokens: 7,
      stop: 'END',
      seed: 3,
      frequency_penalty: -1,
      presence_penalty: 1,
      metadata: { a: 'b' },
    }
    expect(acceptedOf(body).value).toEqual({
      prompt: {
        model: 'qwen',
        messages: [
          { role: 'system', content: 'be brief' },
          { role: 'user', content: 'hello', name: 'ann' },
        ],
        parameters: {
          temperature: 0.5,
          topP: 0.9,
          maxTokens: 7,
          stop: ['END'],
          seed: 3,
          frequencyPenalty: -1,
          presencePenalty: 1,
        },
        metadata: { a: 'b' },
      },
      stream: true,
      includeUsage: true,
      user: 'u1',
    })
  })

  test('the first model is the default, and null counts as absent', () => {
    const nothing = { model: null, stream: null, stream_options: null, user: null, temperature: null, stop: null }
    expect(acceptedOf({ messages: hello, ...nothing, tools: null, n: null }).value).toEqual({
      prompt: { model: 'llama', messages: hello },
      stream: false,
      includeUsage: false,
    })
  })

  test('fields that are not known do not matter', () => {
    const extra = { store: true, service_tier: 'auto', parallel_tool_calls: true, tools: [], n: 1, logprobs: false }
    expect(acceptedOf({ messages: hello, ...extra, response_format: { type: 'text' } }).value.prompt.messages).toEqual(
      hello,
    )
  })
})

describe('what is refused, by name', () => {
  test.each<[string, unknown, number, string | null, string]>([
    ['no object', [], 400, null, 'invalid_type'],
    ['no messages', {}, 400, 'messages', 'missing_required_parameter'],
    ['messages of the wrong type', { messages: 'hello' }, 400, 'messages', 'invalid_type'],
    ['empty messages', { messages: [] }, 400, 'messages', 'invalid_value'],
    ['a message of the wrong type', { messages: [7] }, 400, 'messages[0]', 'invalid_type'],
    ['no role', { messages: [{ content: 'x' }] }, 400, 'messages[0].role', 'missing_required_parameter'],
    ['an unknown role', { messages: [{ role: 'boss', content: 'x' }] }, 400, 'messages[0].role', 'invalid_value'],
    ['no content', { messages: [{ role: 'user' }] }, 400, 'messages[0].content', 'missing_required_parameter'],
    [
      'content of the wrong type',
      { messages: [{ role: 'user', content: 7 }] },
      400,
      'messages[0].content',
      'invalid_value',
    ],
    ['no parts', { messages: [{ role: 'user', content: [] }] }, 400, 'messages[0].content', 'invalid_value'],
    [
      'a picture',
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'x' } }] }] },
      400,
      'messages[0].content[0].type',
      'invalid_value',
    ],
    [
      'a part without text',
      { messages: [{ role: 'user', content: [{ type: 'text', text: 1 }] }] },
      400,
      'messages[0].content[0].text',
      'invalid_value',
    ],
    ['an empty prompt', { messages: [{ role: 'user', content: ' \n' }] }, 400, 'messages[0].content', 'empty_prompt'],
    ['only empty texts', { messages: [{ role: 'system', content: '' }] }, 400, 'messages', 'empty_prompt'],
    [
      'an over-long prompt',
      { messages: [{ role: 'user', content: 'x'.repeat(101) }] },
      400,
      'messages',
      'context_length_exceeded',
    ],
    ['an unknown model', { messages: hello, model: 'gpt' }, 404, 'model', 'model_not_found'],
    ['a model of the wrong type', { messages: hello, model: 7 }, 400, 'model', 'invalid_type'],
    ['two choices', { messages: hello, n: 2 }, 400, 'n', 'unsupported_parameter'],
    ['tools', { messages: hello, tools: [{}] }, 400, 'tools', 'unsupported_parameter'],
    ['audio', { messages: hello, audio: {} }, 400, 'audio', 'unsupported_parameter'],
    ['sound', { messages: hello, modalities: ['text', 'audio'] }, 400, 'modalities', 'unsupported_parameter'],
    [
      'JSON mode',
      { messages: hello, response_format: { type: 'json_object' } },
      400,
      'response_format',
      'unsupported_parameter',
    ],
    [
      'tool calls',
      { messages: [{ role: 'assistant', content: null, tool_calls: [{}] }] },
      400,
      'messages[0].tool_calls',
      'unsupported_parameter',
    ],
    ['a fraction of a token', { messages: hello, max_tokens: 1.5 }, 400, 'max_tokens', 'invalid_type'],
    ['no tokens', { messages: hello, max_tokens: 0 }, 400, 'max_tokens', 'invalid_value'],
    ['too hot', { messages: hello, temperature: 3 }, 400, 'temperature', 'invalid_value'],
    ['a stop of the wrong type', { messages: hello, stop: [1] }, 400, 'stop', 'invalid_value'],
    ['stream of the wrong type', { messages: hello, stream: 'yes' }, 400, 'stream', 'invalid_type'],
    [
      'usage without stream',
      { messages: hello, stream_options: { include_usage: true } },
      400,
      'stream_options',
      'invalid_value',
    ],
    ['a long user', { messages: hello, user: 'x'.repeat(513) }, 400, 'user', 'invalid_value'],
  ])('%s', (_name, body, status, param, code) => {
    const refusal = refusalOf(body)
    expect(refusal).toMatchObject({ status, param, code })
    expect(refusal.message).toContain(param ?? 'the body')
  })

  test('the value and what is expected are in the message', () => {
    expect(refusalOf({ messages: hello, temperature: 3 }).message).toBe('temperature must be at most 2, got 3')
    expect(refusalOf({ messages: hello, stream: 'yes' }).message).toBe('stream must be true or false, got "yes"')
    expect(refusalOf({ messages: hello, model: 'gpt' }).message).toContain('"gpt"')
    expect(refusalOf({ messages: [{ role: 'boss', content: 'x' }] }).message).toContain('"boss"')
    expect(refusalOf({}).message).toBe('messages is required: an array')
  })
})

test('whatever is sent gets an answer: accepted or a refusal with a sentence', () => {
  const field = fc.constantFrom(
    'messages',
    'model',
    'stop',
    'stream',
    'n',
    'tools',
    'user',
    'content',
    'role',
    'stream_options',
  )
  const body = fc.oneof(
    fc.anything(),
    fc.dictionary(field, fc.anything({ withNullPrototype: true })),
    fc.record({ messages: fc.array(fc.dictionary(field, fc.oneof(fc.constantFrom('user', 'text'), fc.anything()))) }),
  )
  fc.assert(
    fc.property(body, (value) => {
      const result = checkChatRequest(value, rules)
      if (!result.ok) {
        expect(result.refusal.status).toBeGreaterThanOrEqual(400)
        expect(result.refusal.message).not.toBe('')
      }
    }),
  )
})
