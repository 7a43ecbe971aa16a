import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { PromptRequest } from '../../../src/prompt-request.ts'
import { checkPromptRequest } from '../../../src/server/prompt-body.ts'

const rules = { models: ['m', 'n'], promptChars: 100 }

const optional = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined })
const text = fc.string({ minLength: 1, maxLength: 20 }).filter((value) => value.trim() !== '')
const good: fc.Arbitrary<PromptRequest> = fc
  .record({
    id: optional(fc.stringMatching(/^[\x21-\x7e]{1,128}$/)),
    session: optional(text),
    priority: optional(fc.constantFrom('low' as const, 'normal' as const, 'high' as const)),
    deadlineMs: optional(fc.integer({ min: 1, max: 100_000 })),
    model: optional(fc.constantFrom('m', 'n')),
    parameters: optional(
      fc.record(
        {
          temperature: fc.double({ min: 0, max: 2, noNaN: true }),
          maxTokens: fc.integer({ min: 1 }),
          stop: fc.array(text),
        },
        { requiredKeys: [] },
      ),
    ),
    metadata: optional(fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.string())),
    asked: fc.oneof(
      fc.record({ input: text }),
      fc.record({
        messages: fc.array(fc.record({ role: fc.constantFrom('system', 'user', 'assistant', 'tool'), content: text }), {
          minLength: 1,
          maxLength: 4,
        }),
      }),
    ),
  })
  .map(({ asked, ...rest }) => JSON.parse(JSON.stringify({ ...rest, ...asked })) as PromptRequest)

test('a prompt request comes through as it is', () => {
  fc.assert(
    fc.property(good, (request) => {
      expect(checkPromptRequest(request, rules)).toEqual({ ok: true, value: request })
    }),
  )
})

describe('a refusal names the field, the value and what was expected', () => {
  test.each<[string, unknown, string | null, string]>([
    ['no object', 7, null, 'the body must be a JSON object, got 7'],
    ['nothing asked', {}, 'input', 'input must be a text that is not empty, or there must be messages, got undefined'],
    ['white space', { input: ' \n' }, 'input', 'input must be a text that is not empty'],
    ['both', { input: 'a', messages: [{ role: 'user', content: 'b' }] }, 'input', 'must be absent'],
    ['no messages', { messages: [] }, 'messages', 'messages must not be empty'],
    ['empty messages', { messages: [{ role: 'user', content: '' }] }, 'messages', 'must hold some text'],
    ['a role', { messages: [{ role: 'boss', content: 'x' }] }, 'messages[0].role', 'must be one of "system", "user"'],
    ['no content', { messages: [{ role: 'user' }] }, 'messages[0].content', 'is required: a string'],
    ['an unknown field', { input: 'x', tempreature: 1 }, 'tempreature', 'tempreature is not a known field'],
    ['one within', { input: 'x', parameters: { top_p: 1 } }, 'parameters.top_p', 'is not a known field'],
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
