import { expect, test } from 'vitest'
import type { Logger } from '../../../src/logger.ts'
import { createServer } from '../../../src/server/index.ts'
import type { CompletionChunk } from '../../../src/workers/model-worker.ts'
import { scriptedPipeline } from './scripted-pipeline.ts'

const models = [{ id: 'm', provider: 'test', models: ['echo'], capabilities: ['chat', 'stream'] }] as const
const failed = { message: 'the server failed', type: 'server_error', param: null, code: 'internal_error' }

/** Asks for a stream and gives what was answered and logged. */
async function stream(...chunks: readonly CompletionChunk[]) {
  const { running } = scriptedPipeline(async function* () {
    for (const chunk of chunks) yield [chunk]
    return undefined
  })
  const logged: [level: string, fields: object, message: string][] = []
  const noting = (level: string) => (fields: object, message: string) => {
    logged.push([level, fields, message])
  }
  const [debug, info, warn, error] = ['debug', 'info', 'warn', 'error'].map(noting)
  const logger = { debug, info, warn, error, child: () => logger } as Logger
  const server = createServer({ running, models, logger })
  const { url } = await server.listen({ port: 0 })
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ stream: true, messages: [{ role: 'user', content: 'hello' }] }),
  })
  const text = await response.text()
  await server.close()
  return { status: response.status, text, logged }
}

/** What no frame can be made of. */
const unspeakable = {
  get text(): string {
    throw new TypeError('with a secret')
  },
}

test.each([
  ['before the first frame, with a status', [unspeakable], 500],
  ['in mid-stream, in a last frame', [{ text: 'hi' }, unspeakable], 200],
])('an answer that cannot be put into frames is a fault of the server, told %s', async (_when, chunks, expected) => {
  const { status, text, logged } = await stream(...chunks)
  expect(status).toBe(expected)
  const last = text.trim().split('\n\n').at(-1)!.replace('data: ', '')
  expect(JSON.parse(last)).toEqual({ error: failed })
  const [fault, ...others] = logged.filter(([level]) => level === 'error')
  expect(others).toEqual([])
  expect(fault).toMatchObject([
    'error',
    { error: 'TypeError', at: expect.arrayContaining([expect.stringContaining('streamed-answer')]) as object },
    'the server failed',
  ])
  expect(logged).toContainEqual(['info', expect.objectContaining({ status, code: 'internal_error' }), 'request'])
  expect(text + JSON.stringify(logged)).not.toContain('secret')
})
