import { expect, test } from 'vitest'
import { createServer } from '../../../src/server/index.ts'
import { scriptedPipeline } from './scripted-pipeline.ts'

const models = [{ id: 'm', provider: 'test', models: ['echo'], capabilities: ['chat'] }] as const
const { running } = scriptedPipeline(async function* () {
  yield [{ text: 'hello' }]
  return undefined
})

test.each<[string, string]>([
  ['', 'apiKey must not be empty'],
  ['a b', 'apiKey must be printable ASCII characters without white space'],
  ['a\n', 'apiKey must be printable ASCII characters without white space'],
  ['schlüssel', 'apiKey must be printable ASCII characters without white space'],
])('the key is one that a client can show, unlike %j', (apiKey, message) => {
  expect(() => createServer({ running, models, apiKey })).toThrow(message)
})
