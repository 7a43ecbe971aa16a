import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ModelInfo } from '../../../src/workers/model-worker.ts'
import { checkChatRequest } from '../../../src/server/chat-request.ts'

const able: ModelInfo = {
  id: 'able',
  provider: 'test',
  models: ['llama', 'qwen'],
  capabilities: ['chat', 'stream', 'tools', 'choices', 'logprobs', 'json'],
}
const plain: ModelInfo = { id: 'plain', provider: 'test', models: ['parrot'], capabilities: ['chat', 'stream'] }
const rules = { models: [able, plain], promptChars: 100 }
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

  test('tools, formats, choices and probabilities', () => {
    const schema = { type: 'object', properties: { depth: { type: 'number' } } }
    const body = {
      messages: hello,
      n: 2,
      tools: [
        { type: 'function', function: { name: 'look', description: 'Looks', parameters: schema, strict: true } },
        { type: 'function', function: { name: 'wait', parameters: null } },
      ],
      tool_choice: { type: 'function', function: { name: 'look' } },
      parallel_tool_calls: false,
      response_format: { type: 'json_schema', json_schema: { name: 'report', schema, strict: true } },
      logprobs: true,
      top_logprobs: 3,
      logit_bias: { 50256: -100 },
      reasoning_effort: 'low',
    }
    const result = checkChatRequest(body, { ...rules, promptChars: 1000 })
    expect(result.ok && result.value.prompt.parameters).toEqual({
      n: 2,
      tools: [{ name: 'look', description: 'Looks', parameters: schema, strict: true }, { name: 'wait' }],
      toolChoice: { name: 'look' },
      parallelToolCalls: false,
      responseFormat: { type: 'json_schema', name: 'report', schema, strict: true },
      logprobs: true,
      topLogprobs: 3,
      logitBias: { 50256: -100 },
      reasoningEffort: 'low',
    })
  })

  test("a tool's round trip, as the official client repeats it", () => {
    const calls = [{ id: 'c1', type: 'function', function: { name: 'look', arguments: '{"at":"gate"}' } }]
    const messages = [
      ...hello,
      { role: 'assistant', content: null, refusal: null, tool_calls: calls, reasoning_content: 'hm', annotations: [] },
      { role: 'tool', content: [{ type: 'text', text: 'open' }], tool_call_id: 'c1' },
      { role: 'assistant', content: null, refusal: 'No.' },
    ]
    expect(acceptedOf({ messages }).value.prompt.messages).toEqual([
      ...hello,
      {
        role: 'assistant',
        content: '',
        toolCalls: [{ id: 'c1', name: 'look', arguments: '{"at":"gate"}' }],
        reasoning: 'hm',
      },
      { role: 'tool', content: 'open', toolCallId: 'c1' },
      { role: 'assistant', content: 'No.' },
    ])
  })

  test('fields that are not known go to the model, those that ask for nothing nowhere', () => {
    const extra = { top_k: 5, chat_template_kwargs: { enable_thinking: false } }
    const nothing = { tools: [], tool_choice: 'auto', parallel_tool_calls: true, functions: [], min_p: null }
    const { prompt } = acceptedOf({ messages: hello, ...extra, ...nothing }).value
    expect(prompt).toEqual({ model: 'llama', messages: hello, parameters: { extra } })
  })

  test('a name that is dangerous in JavaScript changes nothing but its own map', () => {
    const dangerous = '{"__proto__": {"polluted": true}, "constructor": {"prototype": {"polluted": true}}}'
    const body = JSON.parse(
      `{"messages": [{"role": "user", "content": "x", "__proto__": {"role": "system"}}], "__proto__": {"n": 9},
        "metadata": ${dangerous}, "logit_bias": {"__proto__": 5, "7": 1}, "chat_template_kwargs": ${dangerous},
        "tools": [{"type": "function", "function": {"name": "__proto__", "parameters": ${dangerous}}}]}`,
    ) as unknown
    const result = checkChatRequest(body, { ...rules, promptChars: 1000 })
    if (!result.ok) throw new Error(result.refusal.message)
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
    const { parameters, messages, metadata } = result.value.prompt
    expect(messages).toEqual([{ role: 'user', content: 'x' }])
    expect(parameters?.n).toBeUndefined()
    expect(parameters?.logitBias).toEqual({ 7: 1 })
    expect(Object.getPrototypeOf(metadata)).toBe(Object.prototype)
    expect((metadata as { polluted?: unknown }).polluted).toBeUndefined()
    expect(parameters?.tools?.[0]?.name).toBe('__proto__')
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
    ['audio', { messages: hello, audio: {} }, 400, 'audio', 'unsupported_parameter'],
    ['sound', { messages: hello, modalities: ['text', 'audio'] }, 400, 'modalities', 'unsupported_parameter'],
    ['a fraction of a token', { messages: hello, max_tokens: 1.5 }, 400, 'max_tokens', 'invalid_type'],
    ['no tokens', { messages: hello, max_tokens: 0 }, 400, 'max_tokens', 'invalid_value'],
    ['too hot', { messages: hello, temperature: 3 }, 400, 'temperature', 'invalid_value'],
    ['a stop of the wrong type', { messages: hello, stop: [1] }, 400, 'stop', 'invalid_value'],
    ['a long stop', { messages: hello, stop: 'x'.repeat(257) }, 400, 'stop', 'invalid_value'],
    ['a long stop among others', { messages: hello, stop: ['ok', 'x'.repeat(257)] }, 400, 'stop[1]', 'invalid_value'],
    ['17 stops', { messages: hello, stop: Array.from({ length: 17 }, () => 'x') }, 400, 'stop', 'invalid_value'],
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

  const tool = (name: string): object => ({ type: 'function', function: { name } })
  const answer = { role: 'tool', content: 'dry' }
  const call = { id: 'c1', type: 'function', function: { name: 'look', arguments: '{}' } }

  test.each<[string, object, string, string]>([
    ['no choice', { n: 0 }, 'n', 'invalid_value'],
    ['a thousand choices', { n: 1000 }, 'n', 'invalid_value'],
    ['half a choice', { n: 1.5 }, 'n', 'invalid_type'],
    ['tools of the wrong type', { tools: {} }, 'tools', 'invalid_type'],
    ['a tool without a kind', { tools: [{}] }, 'tools[0].type', 'missing_required_parameter'],
    ['a tool of another kind', { tools: [{ type: 'custom', custom: {} }] }, 'tools[0].type', 'invalid_value'],
    ['a tool without a function', { tools: [{ type: 'function' }] }, 'tools[0].function', 'missing_required_parameter'],
    ['a tool without a name', { tools: [tool('')] }, 'tools[0].function.name', 'invalid_value'],
    ['a tool of a long name', { tools: [tool('x'.repeat(257))] }, 'tools[0].function.name', 'invalid_value'],
    ['two tools of one name', { tools: [tool('a'), tool('b'), tool('a')] }, 'tools[2].function.name', 'invalid_value'],
    [
      'ten thousand tools',
      { tools: Array.from({ length: 10_000 }, (_, i) => tool(`t${i}`)) },
      'tools',
      'invalid_value',
    ],
    [
      'a schema that is a list',
      { tools: [{ type: 'function', function: { name: 'a', parameters: [] } }] },
      'tools[0].function.parameters',
      'invalid_type',
    ],
    [
      'an enormous schema',
      { tools: [{ type: 'function', function: { name: 'a', parameters: { title: 'x'.repeat(1_000_000) } } }] },
      'tools',
      'context_length_exceeded',
    ],
    ['a choice without tools', { tool_choice: 'required' }, 'tool_choice', 'invalid_value'],
    ['a choice of no known kind', { tools: [tool('a')], tool_choice: 'maybe' }, 'tool_choice', 'invalid_value'],
    [
      'a choice of no tool',
      { tools: [tool('a')], tool_choice: tool('b') },
      'tool_choice.function.name',
      'invalid_value',
    ],
    ['parallel of the wrong type', { parallel_tool_calls: 'yes' }, 'parallel_tool_calls', 'invalid_type'],
    ['a format of no known type', { response_format: { type: 'xml' } }, 'response_format.type', 'invalid_value'],
    ['a format that is a word', { response_format: 'json' }, 'response_format', 'invalid_type'],
    [
      'a schema that is missing',
      { response_format: { type: 'json_schema' } },
      'response_format.json_schema',
      'missing_required_parameter',
    ],
    [
      'a schema without a name',
      { response_format: { type: 'json_schema', json_schema: { schema: {} } } },
      'response_format.json_schema.name',
      'missing_required_parameter',
    ],
    ['probabilities of the wrong type', { logprobs: 5 }, 'logprobs', 'invalid_type'],
    ['others without probabilities', { top_logprobs: 3 }, 'top_logprobs', 'invalid_value'],
    ['too many others', { logprobs: true, top_logprobs: 21 }, 'top_logprobs', 'invalid_value'],
    ['a bias that is no number', { logit_bias: { 50256: Number.NaN } }, 'logit_bias.50256', 'invalid_type'],
    ['a bias beyond the range', { logit_bias: { 50256: -101 } }, 'logit_bias.50256', 'invalid_value'],
    ['an effort of the wrong type', { reasoning_effort: 3 }, 'reasoning_effort', 'invalid_type'],
    ['a bare text', { prompt: 'x', functions: [{}] }, 'functions', 'unsupported_parameter'],
    [
      'a hundred fields of the model alone',
      Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`x${index}`, 1])),
      'x64',
      'invalid_value',
    ],
    [
      'an answer to no call',
      { messages: [...hello, answer] },
      'messages[1].tool_call_id',
      'missing_required_parameter',
    ],
    [
      'calls of a user',
      { messages: [{ role: 'user', content: 'x', tool_calls: [call] }] },
      'messages[0].tool_calls',
      'invalid_value',
    ],
    [
      'an id beside no answer',
      { messages: [{ role: 'user', content: 'x', tool_call_id: 'c1' }] },
      'messages[0].tool_call_id',
      'invalid_value',
    ],
    [
      'a call without an id',
      { messages: [{ role: 'assistant', tool_calls: [{ ...call, id: undefined }] }] },
      'messages[0].tool_calls[0].id',
      'missing_required_parameter',
    ],
    [
      'arguments that are no text',
      { messages: [{ role: 'assistant', tool_calls: [{ ...call, function: { name: 'look', arguments: {} } }] }] },
      'messages[0].tool_calls[0].function.arguments',
      'invalid_type',
    ],
    [
      'an assistant that said nothing',
      { messages: [...hello, { role: 'assistant', content: null }] },
      'messages[1].content',
      'missing_required_parameter',
    ],
    ['two choices of a plain model', { model: 'parrot', n: 2 }, 'n', 'unsupported_parameter'],
    ['tools of a plain model', { model: 'parrot', tools: [tool('a')] }, 'tools', 'unsupported_parameter'],
    [
      'JSON of a plain model',
      { model: 'parrot', response_format: { type: 'json_object' } },
      'response_format',
      'unsupported_parameter',
    ],
    ['probabilities of a plain model', { model: 'parrot', logprobs: true }, 'logprobs', 'unsupported_parameter'],
  ])('%s', (_name, fields, param, code) => {
    const refusal = refusalOf({ messages: hello, ...fields })
    expect(refusal).toMatchObject({ status: 400, param, code })
    expect(refusal.message).toContain(param.startsWith('x') ? '64 fields' : param)
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
