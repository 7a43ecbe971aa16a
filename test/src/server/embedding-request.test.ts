import { expect, test } from 'vitest'
import { checkEmbeddingRequest } from '../../../src/server/embedding-request.ts'
import type { ModelInfo } from '../../../src/workers/model-worker.ts'

const models: readonly ModelInfo[] = [{ id: 'm', provider: 'test', models: ['m'], capabilities: ['embeddings'] }]
const check = (body: unknown): ReturnType<typeof checkEmbeddingRequest> =>
  checkEmbeddingRequest(body, { models, promptChars: 100 })

test.each([
  [{ input: 'a' }, { input: ['a'], model: 'm' }, 'float'],
  [{ input: [1, 2], encoding_format: 'base64' }, { input: [[1, 2]], model: 'm' }, 'base64'],
  [{ input: ['a', [1]], dimensions: 2, user: 'ada' }, { input: ['a', [1]], model: 'm', dimensions: 2 }, 'float'],
  [{ input: 'a', model: null, dimensions: null, encoding_format: null }, { input: ['a'], model: 'm' }, 'float'],
  [{ input: 'a', truncate: true }, { input: ['a'], model: 'm', extra: { truncate: true } }, 'float'],
])('%j', (body, request, encoding) => {
  expect(check(body)).toEqual({ ok: true, value: { request, encoding } })
})

test.each<[string | null, unknown]>([
  [null, 'text'],
  [null, []],
  ['input', {}],
  ['input', { input: null }],
  ['input', { input: 7 }],
  ['input', { input: '' }],
  ['input', { input: [] }],
  ['input', { input: ['a', ''] }],
  ['input', { input: [-1] }],
  ['input[1]', { input: ['a', {}] }],
  ['input[0]', { input: [[]] }],
  ['input', { input: 'a'.repeat(101) }],
  ['input', { input: Array.from({ length: 2049 }, () => 'a') }],
  ...Object.entries({
    model: ['', 7],
    dimensions: [0, 65_537, 1.5, '2'],
    encoding_format: ['hex', 7],
    user: [7, 'u'.repeat(513)],
  }).flatMap(([field, values]) =>
    values.map((value: unknown): [string, unknown] => [field, { input: 'a', [field]: value }]),
  ),
])('%s is wrong in %j', (param, body) => {
  const checked = check(body)
  expect(checked).toMatchObject({ ok: false, refusal: { status: 400, param } })
  if (!checked.ok && param !== null) expect(checked.refusal.message).toContain(param)
})
