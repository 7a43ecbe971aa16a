import { expect, test } from 'vitest'
import { createServer } from '../../../src/server/index.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { createModelSessionStore, ModelData } from '../../fixtures/model-session-store.ts'
import { scriptedPipeline } from './scripted-pipeline.ts'

const models = [{ id: 'm', provider: 'test', models: ['echo', 'org/m-1'], capabilities: ['chat'] }] as const
const { running } = scriptedPipeline(async function* () {
  yield [{ text: 'hello' }]
  return undefined
})

test('one model, also one with slashes in its name, or that there is none', async () => {
  const server = createServer({ running, models })
  const { url } = await server.listen({ port: 0 })
  for (const name of ['echo', 'org/m-1', 'org%2Fm-1']) {
    const response = await fetch(`${url}/v1/models/${name}`)
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ id: decodeURIComponent(name), object: 'model', owned_by: 'test' })
  }
  const missing = await fetch(`${url}/v1/models/gpt`)
  expect(missing.status).toBe(404)
  expect(await missing.json()).toEqual({
    error: {
      message: 'the model "gpt" does not exist; there are "echo", "org/m-1"',
      type: 'invalid_request_error',
      param: 'model',
      code: 'model_not_found',
    },
  })
  const deletion = await fetch(`${url}/v1/models/echo`, { method: 'DELETE' })
  expect([deletion.status, deletion.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  await server.close({ graceMs: 0 })
})

test('a store of sessions that answers and takes nothing is away, as its pipeline has found', async () => {
  const sessions = createModelSessionStore({ clock: new VirtualClock(), data: new ModelData() })
  for (const state of ['ready', 'away'] as const) {
    const server = createServer({ running: { ...running, state: 'running', sessionStore: state }, models, sessions })
    const { url } = await server.listen({ port: 0 })
    expect(await (await fetch(`${url}/readyz`)).json()).toEqual({ status: 'ready', stores: { sessions: state } })
    expect(await (await fetch(`${url}/v1/pipeline`)).json()).toMatchObject({ sessionStore: { state } })
    await server.close({ graceMs: 0 })
  }
})
