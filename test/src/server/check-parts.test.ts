import { expect, test } from 'vitest'
import { createServer } from '../../../src/server/index.ts'
import { scriptedPipeline } from './scripted-pipeline.ts'

const models = [{ id: 'm', provider: 'test', models: ['echo'], capabilities: ['chat'] }] as const
const { running } = scriptedPipeline(async function* () {
  yield [{ text: 'hello' }]
  return undefined
})

test.each([
  [{ models: [] }, 'models must name at least one model'],
  [{ models: [{ ...models[0], models: [] }] }, 'models must name at least one model'],
  [{ models: 'echo' }, 'models must be an array, got "echo"'],
  [{ models: ['echo'] }, 'models[0] must be an object, got "echo"'],
  [{ models: [{ id: 'm' }] }, 'models[0].models must be an array of strings, got undefined'],
  [{ running: undefined }, 'running must be a running pipeline, got undefined'],
  [{ running: { ledger: () => ({}) } }, 'running must be a running pipeline, got an object without the method submit'],
  [{ completions: 'x' }, 'completions must be a running pipeline, got "x"'],
  [{ embeddings: {} }, 'embeddings must be a running pipeline, got an object without the method submit'],
  [{ logger: 'x' }, 'logger must be a logger, got "x"'],
  [{ logger: { info: () => undefined } }, 'logger must be a logger, got an object without the method debug'],
  [{ newId: 'x' }, 'newId must be a function, got "x"'],
])('what is handed over wrong is named: %j', (options, message) => {
  expect(() => createServer({ running, models, ...(options as object) })).toThrow(message)
})
