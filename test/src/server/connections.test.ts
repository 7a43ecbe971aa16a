import { expect, test } from 'vitest'
import { type Clock, systemClock } from '../../../operators/index.ts'
import { createServer } from '../../../src/server/index.ts'
import { scriptedPipeline } from './scripted-pipeline.ts'

test('a server that does not listen leaves no timer behind', async () => {
  const due: number[] = []
  const clock: Clock = {
    ...systemClock,
    setTimeout: (fn, ms) => {
      due.push(ms)
      return systemClock.setTimeout(fn, ms)
    },
  }
  const models = [{ id: 'm', provider: 'test', models: ['echo'], capabilities: ['chat'] }] as const
  const { running } = scriptedPipeline(async function* () {
    yield [{ text: 'hello' }]
    return undefined
  })
  const server = createServer({ running, models, clock, limits: { unreadTimeoutMs: 400 } })
  expect(due).toEqual([])
  await server.listen({ port: 0 })
  expect(due).toEqual([100])
  await server.close({ graceMs: 0 })
})
