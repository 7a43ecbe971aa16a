import { expect, test } from 'vitest'
import { checkEmbedding } from '../../../src/workers/check-embedding.ts'
import { checkTextPrompt } from '../../../src/workers/check-text-prompt.ts'
import { InvalidPromptError } from '../../../src/workers/invalid-prompt-error.ts'
import type { ModelInfo } from '../../../src/workers/model-worker.ts'

const info: ModelInfo = { id: 'm', provider: 'test', models: ['m'], capabilities: ['completions', 'embeddings'] }

test.each<[string, object]>([
  ['prompts', { prompts: [] }],
  ['prompts', { prompts: 'a' }],
  ['prompts[1]', { prompts: ['a', 7] }],
  ['prompts[0][1]', { prompts: [[1, -1]] }],
  ['model', { model: 'n' }],
  ['suffix', { suffix: 7 }],
  ['echo', { echo: 'true' }],
  ['bestOf', { bestOf: 129 }],
  ['bestOf', { bestOf: 1, parameters: { n: 2 } }],
  ['parameters.n', { parameters: { n: 0 } }],
  ['parameters.tools', { parameters: { tools: [{ name: 'level' }] } }],
])('a text prompt is refused by the name of %s', (field, wrong) => {
  const check = (): void => {
    checkTextPrompt({ prompts: ['a'], ...wrong }, info)
  }
  expect(check).toThrow(InvalidPromptError)
  expect(check).toThrow(expect.objectContaining({ field }) as Error)
})

test.each<[string, object]>([
  ['input', { input: [] }],
  ['input[0][0]', { input: [[1.5]] }],
  ['model', { model: 'n' }],
  ['dimensions', { dimensions: 0 }],
  ['extra.model', { extra: { model: 'n' } }],
])('a request for vectors is refused by the name of %s', (field, wrong) => {
  const check = (): void => {
    checkEmbedding({ input: ['a'], ...wrong }, info)
  }
  expect(check).toThrow(expect.objectContaining({ field }) as Error)
})
