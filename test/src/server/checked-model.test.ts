import { expect, test } from 'vitest'
import { checkedModel } from '../../../src/server/checked-model.ts'
import type { Capability, ModelInfo } from '../../../src/workers/model-worker.ts'

const info = (id: string, ...capabilities: readonly Capability[]): ModelInfo => ({
  id,
  provider: 'test',
  models: [id, `${id}-2`],
  capabilities,
})
const models = [info('talker', 'chat'), info('writer', 'chat', 'completions')]

test.each([
  [undefined, undefined, 'talker'],
  [null, undefined, 'talker'],
  ['writer-2', undefined, 'writer-2'],
  [undefined, 'completions', 'writer'],
  ['writer-2', 'completions', 'writer-2'],
] as const)('asked for %j that can %j: %s', (asked, needs, name) => {
  expect(checkedModel(asked, models, needs)).toMatchObject({ ok: true, value: { name } })
})

test.each([
  ['gpt', undefined, 404, 'the model "gpt" does not exist; there are "talker", "talker-2", "writer", "writer-2"'],
  ['gpt', 'completions', 404, 'the model "gpt" does not exist; there are "writer", "writer-2"'],
  ['talker', 'completions', 400, 'the model "talker" is not for completions, only "writer", "writer-2"'],
  ['talker', 'embeddings', 400, 'no model here is for embeddings'],
  [undefined, 'embeddings', 400, 'no model here is for embeddings'],
] as const)('asked for %j that can %j: %i', (asked, needs, status, message) => {
  const refusal = { status, message, param: 'model' }
  expect(checkedModel(asked, models, needs)).toMatchObject({ ok: false, refusal })
})
