import { from, Subject } from 'rxjs'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { post, type PostOptions } from '../../../src/stages/post.ts'
import type { CompletionChunk } from '../../../src/workers/model-worker.ts'
import { chunksOf } from '../../fixtures/chunks-of.ts'
import { handlerContext } from '../../fixtures/handler-context.ts'

const schema = {
  type: 'object',
  properties: {
    items: { type: 'array', items: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] } },
  },
  required: ['items'],
  additionalProperties: false,
}

const asks = (responseFormat: object): object => ({ parameters: { responseFormat } })

const fits = asks({ type: 'json_schema', name: 'list', schema })

async function answer(
  text: string,
  request: object,
  options: PostOptions = {},
  end: Partial<CompletionChunk> = { finishReason: 'stop' },
): Promise<string> {
  const pieces = Array.from(text, (piece) => ({ text: piece }))
  const chunks = await chunksOf(post(options)(from([...pieces, { text: '', ...end }]), handlerContext({ request })))
  return chunks.map((chunk) => chunk.text).join('')
}

test.each([
  ['{"items": [{"name": "a"}]}', fits],
  [' {"items": []}\n', fits],
  ['{"anything": 1}', asks({ type: 'json_object' })],
  ['{"anything": 1}', asks({ type: 'json_schema', name: 'free' })],
  ['no JSON', asks({ type: 'text' })],
])('an answer that is what was asked for passes: %s', async (text, request) => {
  expect(await answer(text, request)).toBe(text.trim())
})

test.each([
  ['{"items": [{"name": 7}]}', fits, 'answer.items[0].name: Invalid input: expected string, received number'],
  ['{}', fits, 'answer.items: Invalid input: expected array, received undefined'],
  ['{"items": [], "secret": 1}', fits, 'answer: has a key that the schema does not allow'],
  ['{"items": [', fits, 'the answer is not valid JSON'],
  ['[]', asks({ type: 'json_object' }), 'answer: Invalid input: expected object, received array'],
])('an answer that is not is told by place and what was expected: %s', async (text, request, message) => {
  await expect(answer(text, request)).rejects.toMatchObject({
    code: 'invalid_answer',
    message: expect.stringContaining(message) as string,
  })
})

test.each<Partial<CompletionChunk>>([
  { finishReason: 'length' },
  { finishReason: 'content_filter' },
  { finishReason: 'tool_calls' },
])('an answer that the model did not end is not checked: %j', async (end) => {
  expect(await answer('{"items": [', fits, {}, end)).toBe('{"items": [')
})

test("the stage's own schema is checked, too, of JSON or of zod", async () => {
  const json = { schema: { type: 'object', properties: { a: { type: 'number' } } } }
  await expect(answer('{"a": ""}', {}, { json })).rejects.toThrow('answer.a: Invalid input: expected number')
  await expect(answer('7', {}, { json: { schema: z.string() } })).rejects.toThrow('answer: Invalid input: expected')
  expect(await answer('{"a": 1}', asks({ type: 'json_object' }), { json })).toBe('{"a": 1}')
})

test('text passes meanwhile, and the error comes in place of the finish reason', () => {
  const source$ = new Subject<CompletionChunk>()
  const heard: unknown[] = []
  post()(source$, handlerContext({ request: fits })).subscribe({
    next: (chunk) => heard.push(chunk),
    error: (error: unknown) => heard.push(error),
  })
  source$.next({ text: '{"items"' })
  expect(heard).toEqual([{ text: '{"items"' }])
  source$.next({ text: ': 7}', finishReason: 'stop' })
  source$.complete()
  expect(heard.at(-1)).toMatchObject({ code: 'invalid_answer' })
  expect(heard).toHaveLength(3)
})

test('an answer that is too long or too deep to check fails', async () => {
  const long = [{ text: `"${'a'.repeat(262_144)}"` }]
  await expect(chunksOf(post()(from(long), handlerContext({ request: fits })))).rejects.toThrow(
    'longer than the 262144',
  )
})

test.each<[string, object]>([
  ['json: unknown option "scheme"', { scheme: {} }],
  ['json.schema must be a JSON schema, got 7', { schema: 7 }],
  ['json.schema.pattern is not supported', { schema: { pattern: 'a' } }],
])('options that are wrong are named: %s', (message, json) => {
  expect(() => post({ json } as PostOptions)).toThrow(message)
})
