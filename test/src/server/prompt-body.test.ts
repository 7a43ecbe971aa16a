import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { PromptRequest } from '../../../src/prompt-request.ts'
import { checkPromptRequest } from '../../../src/server/prompt-body.ts'
import type { Capability, ModelInfo } from '../../../src/workers/model-worker.ts'

function rulesOf(capabilities: readonly Capability[], promptChars = 100) {
  const model: ModelInfo = { id: 'w', provider: 'test', models: ['m', 'n'], capabilities }
  return { models: [model], promptChars }
}

const rules = rulesOf(['chat', 'stream'])
const able = rulesOf(['chat', 'stream', 'tools', 'choices', 'logprobs', 'json'], 10_000)

const optional = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined })
const text = fc.string({ minLength: 1, maxLength: 20 }).filter((value) => value.trim() !== '')
// JSON has no -0.
const number = (min: number, max: number) => fc.double({ min, max, noNaN: true }).map((value) => value + 0)
const name = fc.stringMatching(/^[a-z]{1,8}$/)
const record = fc.dictionary(name, fc.oneof(fc.string(), fc.integer(), fc.boolean()))
const parameters = fc
  .record(
    {
      temperature: number(0, 2),
      topP: number(0, 1),
      maxTokens: fc.integer({ min: 1 }),
      stop: fc.array(fc.oneof(text, fc.constant('x'.repeat(256))), { maxLength: 16 }),
      seed: fc.maxSafeInteger(),
      frequencyPenalty: number(-2, 2),
      presencePenalty: number(-2, 2),
      n: fc.integer({ min: 1, max: 128 }),
      tools: fc.array(
        fc.record(
          { name: fc.constant('search'), description: text, parameters: record, strict: fc.boolean() },
          { requiredKeys: ['name'] },
        ),
        { minLength: 1, maxLength: 1 },
      ),
      toolChoice: fc.constantFrom('auto', 'none', 'required', { name: 'search' }),
      parallelToolCalls: fc.boolean(),
      responseFormat: fc.oneof(
        fc.record({ type: fc.constantFrom('text', 'json_object') }),
        fc.record(
          {
            type: fc.constant('json_schema'),
            name,
            description: text,
            schema: fc.constant({ type: 'object' }),
            strict: fc.boolean(),
          },
          { requiredKeys: ['type', 'name'] },
        ),
      ),
      topLogprobs: fc.integer({ min: 0, max: 20 }),
      logitBias: fc.dictionary(fc.nat().map(String), number(-100, 100)),
      reasoningEffort: name,
      extra: fc.record({ top_k: fc.nat(), chat_template_kwargs: record }, { requiredKeys: [] }),
    },
    { requiredKeys: [] },
  )
  .map(({ toolChoice, ...rest }) => ({
    ...rest,
    ...(rest.tools !== undefined && toolChoice !== undefined && { toolChoice }),
    ...(rest.topLogprobs !== undefined && { logprobs: true }),
  }))
const message = fc
  .record(
    {
      role: fc.constantFrom('system', 'user', 'assistant', 'tool'),
      content: text,
      name: text,
      reasoning: text,
      toolCalls: fc.array(fc.record({ id: text, name: text, arguments: fc.string() }), { minLength: 1, maxLength: 3 }),
      toolCallId: text,
    },
    { requiredKeys: ['role', 'content'] },
  )
  .map(({ toolCalls, toolCallId, ...rest }) => ({
    ...rest,
    ...(rest.role === 'assistant' && { toolCalls }),
    ...(rest.role === 'tool' && { toolCallId: toolCallId ?? 'c1' }),
  }))
const good: fc.Arbitrary<PromptRequest> = fc
  .record({
    id: optional(fc.stringMatching(/^[\x21-\x7e]{1,128}$/)),
    session: optional(text),
    priority: optional(fc.constantFrom('low' as const, 'normal' as const, 'high' as const)),
    deadlineMs: optional(fc.integer({ min: 1, max: 100_000 })),
    model: optional(fc.constantFrom('m', 'n')),
    parameters: optional(parameters),
    metadata: optional(fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.string())),
    asked: fc.oneof(
      fc.record({ input: text }),
      fc.record({
        messages: fc.array(message, { minLength: 1, maxLength: 4 }),
      }),
    ),
  })
  .map(({ asked, ...rest }) => JSON.parse(JSON.stringify({ ...rest, ...asked })) as PromptRequest)

test('a prompt request comes through as it is', () => {
  fc.assert(
    fc.property(good, (request) => {
      expect(checkPromptRequest(request, able)).toEqual({ ok: true, value: request })
    }),
  )
})

describe('a refusal names the field, the value and what was expected', () => {
  test.each<[string, unknown, string | null, string]>([
    ['no object', 7, null, 'the body must be a JSON object, got 7'],
    ['nothing asked', {}, 'input', 'input is missing: a text that is not empty, or there must be messages'],
    ['white space', { input: ' \n' }, 'input', 'input must be a text that is not empty'],
    ['both', { input: 'a', messages: [{ role: 'user', content: 'b' }] }, 'input', 'must be absent'],
    ['no messages', { messages: [] }, 'messages', 'messages must not be empty'],
    ['empty messages', { messages: [{ role: 'user', content: '' }] }, 'messages', 'must hold some text'],
    ['a role', { messages: [{ role: 'boss', content: 'x' }] }, 'messages[0].role', 'must be one of "system", "user"'],
    ['no content', { messages: [{ role: 'user' }] }, 'messages[0].content', 'is required: a string'],
    [
      'an unknown field',
      { input: 'x', tempreature: 1 },
      'tempreature',
      'tempreature is not a known field; known are id, session, input, messages, priority, deadlineMs, model, parameters, metadata',
    ],
    [
      'one within',
      { input: 'x', parameters: { top_p: 1 } },
      'parameters.top_p',
      'is not a known field; known are temperature, topP, maxTokens, stop, seed,',
    ],
    [
      'one in a message',
      { messages: [{ role: 'user', content: 'x', text: 'y' }] },
      'messages[0].text',
      'is not a known field; known are role, content, name, toolCalls, toolCallId, reasoning',
    ],
    [
      'one in a tool',
      { input: 'x', parameters: { tools: [{ name: 'a', type: 'function' }] } },
      'parameters.tools[0].type',
      'known are name, description, parameters, strict',
    ],
    ['a range', { input: 'x', parameters: { topP: 2 } }, 'parameters.topP', 'must be at most 1, got 2'],
    ['null', { input: 'x', session: null }, 'session', 'must be a string, got null'],
    ['an id for no header', { input: 'x', id: 'a b' }, 'id', 'must be 1 to 128 visible ASCII characters'],
    ['a deadline', { input: 'x', deadlineMs: 0 }, 'deadlineMs', 'must be at least 1, got 0'],
    ['another model', { input: 'x', model: 'gpt' }, 'model', 'the model "gpt" does not exist; there are "m", "n"'],
    [
      'much text',
      { input: 'x'.repeat(101) },
      'input',
      'input must hold at most 100 characters (the limit promptChars), got 101',
    ],
  ])('%s', (_name, body, param, message) => {
    const checked = checkPromptRequest(body, rules)
    expect(checked).toMatchObject({ ok: false, refusal: { param } })
    expect(!checked.ok && checked.refusal.message).toContain(message)
  })
})

/** A request with these parameters. */
const withParameters = (given: object) => ({ input: 'x', parameters: given })
const search = { name: 'search' }

describe('what a model is asked for beside a text', () => {
  test.each<[string, object, string, string, string]>([
    [
      'tools',
      { tools: [search] },
      'parameters.tools',
      'is not supported by the model "m", got an array',
      'unsupported_parameter',
    ],
    ['choices', { n: 2 }, 'parameters.n', 'is not supported by the model "m", got 2', 'unsupported_parameter'],
    ['logprobs', { logprobs: true }, 'parameters.logprobs', 'is not supported by the model', 'unsupported_parameter'],
    [
      'JSON',
      { responseFormat: { type: 'json_object' } },
      'parameters.responseFormat',
      'is not supported',
      'unsupported_parameter',
    ],
  ])('is refused by name where the model has no %s', (_name, given, param, message, code) => {
    const checked = checkPromptRequest(withParameters(given), rules)
    expect(checked).toMatchObject({ ok: false, refusal: { param, code, status: 400 } })
    expect(!checked.ok && checked.refusal.message).toContain(message)
  })

  test('is no reason to refuse where it is what there would be without it', () => {
    const given = { n: 1, tools: [], logprobs: false, responseFormat: { type: 'text' } }
    expect(checkPromptRequest(withParameters(given), rules).ok).toBe(true)
  })

  test.each<[string, object, string, string]>([
    ['a tool without a name', { tools: [{}] }, 'parameters.tools[0].name', 'is required: a string'],
    [
      "OpenAI's own shape",
      { tools: [{ type: 'function', function: search }] },
      'parameters.tools[0].name',
      'is required',
    ],
    ['two tools of a name', { tools: [search, search] }, 'parameters.tools[1].name', 'must be unique'],
    ['a choice of nothing', { toolChoice: 'required' }, 'parameters.toolChoice', 'only allowed where there are tools'],
    ['a choice of another', { tools: [search], toolChoice: { name: 'x' } }, 'parameters.toolChoice.name', 'got "x"'],
    [
      'a choice of no kind',
      { tools: [search], toolChoice: 'maybe' },
      'parameters.toolChoice',
      'must be "auto", "none", "required" or { "name": … }, got "maybe"',
    ],
    ['probabilities of none', { topLogprobs: 2 }, 'parameters.topLogprobs', 'only allowed where logprobs is true'],
    ['a bias', { logitBias: { 7: 101 } }, 'parameters.logitBias.7', 'must be at most 100, got 101'],
    ['too many choices', { n: 129 }, 'parameters.n', 'must be at most 128, got 129'],
    ['a field that has a name here', { extra: { top_p: 1 } }, 'parameters.extra.top_p', 'is decided by another field'],
    [
      'a schema without a name',
      { responseFormat: { type: 'json_schema' } },
      'parameters.responseFormat.name',
      'must be a string',
    ],
    [
      'a schema that takes for ever',
      { responseFormat: { type: 'json_schema', name: 'x', schema: { pattern: '(a+)+' } } },
      'parameters.responseFormat.schema.pattern',
      'is not supported',
    ],
    [
      'a long stop',
      { stop: ['ok', 'x'.repeat(257)] },
      'parameters.stop[1]',
      'parameters.stop[1] must be at most 256 long, got 257',
    ],
    [
      'many stops',
      { stop: Array.from({ length: 17 }, () => 'x') },
      'parameters.stop',
      'parameters.stop must be at most 16 long, got 17',
    ],
    [
      'a long schema',
      { tools: [{ name: 'x', parameters: { title: 'x'.repeat(10_000) } }] },
      'parameters.tools',
      'must hold at most 10000 characters',
    ],
  ])('is checked: %s', (_name, given, param, message) => {
    const checked = checkPromptRequest(withParameters(given), able)
    expect(checked).toMatchObject({ ok: false, refusal: { param, status: 400 } })
    expect(!checked.ok && checked.refusal.message).toContain(message)
  })

  test.each<[string, object, string, string]>([
    [
      'calls of a user',
      { role: 'user', content: 'x', toolCalls: [{ id: '1', name: 'f', arguments: '' }] },
      'messages[0].toolCalls',
      'only allowed in a message of role "assistant"',
    ],
    [
      'an answer of a user',
      { role: 'user', content: 'x', toolCallId: '1' },
      'messages[0].toolCallId',
      'only allowed in a message of role "tool"',
    ],
    [
      'an answer to no call',
      { role: 'tool', content: 'x' },
      'messages[0].toolCallId',
      'messages[0].toolCallId is required: the id of the call that this answers',
    ],
    [
      'a call without arguments',
      { role: 'assistant', content: '', toolCalls: [{ id: '1', name: 'f' }] },
      'messages[0].toolCalls[0].arguments',
      'is required: a string',
    ],
    [
      'much thinking',
      {
        role: 'assistant',
        content: '',
        reasoning: 'x'.repeat(101),
        toolCalls: [{ id: '1', name: 'f', arguments: '' }],
      },
      'messages',
      'must hold at most 100 characters (the limit promptChars), got 103',
    ],
  ])('is checked in messages: %s', (_name, given, param, message) => {
    const checked = checkPromptRequest({ messages: [given] }, rules)
    expect(checked).toMatchObject({ ok: false, refusal: { param, status: 400 } })
    expect(!checked.ok && checked.refusal.message).toContain(message)
  })

  test('lets an assistant say nothing but call', () => {
    const calling = { role: 'assistant', content: '', toolCalls: [{ id: '1', name: 'f', arguments: '{}' }] }
    expect(checkPromptRequest({ messages: [calling] }, rules).ok).toBe(true)
  })
})
