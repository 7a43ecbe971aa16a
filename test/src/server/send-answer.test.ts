import { afterEach, describe, expect, test } from 'vitest'
import type { Logger } from '../../../src/logger.ts'
import { createServer, type SpillwayServer } from '../../../src/server/index.ts'
import type { CompletionChunk } from '../../../src/workers/model-worker.ts'
import { scriptedPipeline, unspeakable } from './scripted-pipeline.ts'

const models = [{ id: 'm', provider: 'test', models: ['echo'], capabilities: ['chat', 'stream'] }] as const
const failed = { message: 'the server failed', type: 'server_error', param: null, code: 'internal_error' }

let server: SpillwayServer | undefined
afterEach(() => server?.close())

/** Asks for an answer of these chunks and gives what was answered, logged and noted of the request. */
async function ask(stream: boolean, ...chunks: readonly CompletionChunk[]) {
  const { running, replies } = scriptedPipeline(async function* () {
    for (const chunk of chunks) yield [chunk]
    return undefined
  })
  const logged: [level: string, fields: object, message: string][] = []
  const ended = Promise.withResolvers<void>()
  const noting = (level: string) => (fields: object, message: string) => {
    logged.push([level, fields, message])
    if (message === 'request') ended.resolve()
  }
  const [debug, info, warn, error] = ['debug', 'info', 'warn', 'error'].map(noting)
  const logger = { debug, info, warn, error, child: () => logger } as Logger
  server = createServer({ running, models, logger })
  const { url } = await server.listen({ port: 0 })
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ stream, messages: [{ role: 'user', content: 'hello' }] }),
  })
  const text = await response.text()
  await ended.promise
  return { status: response.status, text, logged, outcome: replies[0]!.settled }
}

function checkFault(logged: Awaited<ReturnType<typeof ask>>['logged'], place: string): void {
  const [fault, ...others] = logged.filter(([level]) => level === 'error')
  expect(others).toEqual([])
  expect(fault).toMatchObject([
    'error',
    { error: 'TypeError', at: expect.arrayContaining([expect.stringContaining(place)]) as object },
    'the server failed',
  ])
}

test.each([
  ['before the first frame, with a status', [unspeakable], 500],
  ['in mid-stream, in a last frame', [{ text: 'hi' }, unspeakable], 200],
])('an answer that cannot be put into frames is a fault of the server, told %s', async (_when, chunks, expected) => {
  const { status, text, logged, outcome } = await ask(true, ...chunks)
  expect(status).toBe(expected)
  const last = text.trim().split('\n\n').at(-1)!.replace('data: ', '')
  expect(JSON.parse(last)).toEqual({ error: failed })
  checkFault(logged, 'streamed-answer')
  expect(outcome).toMatchObject({ kind: 'cancelled', reason: 'the server failed' })
  expect(logged).toContainEqual(['info', expect.objectContaining({ status, code: 'internal_error' }), 'request'])
  expect(text + JSON.stringify(logged)).not.toContain('secret')
})

describe('an answer that cannot be put together is a fault of the server', () => {
  test('while it is read, which ends its request', async () => {
    const { status, text, logged, outcome } = await ask(false, { text: 'hi' }, unspeakable, { text: 'there' })
    expect(status).toBe(500)
    expect(JSON.parse(text)).toEqual({ error: failed })
    checkFault(logged, 'readWhole')
    expect(outcome).toMatchObject({ kind: 'cancelled', reason: 'the server failed' })
    expect(logged).toContainEqual(['info', expect.objectContaining({ status, code: 'internal_error' }), 'request'])
    expect(text + JSON.stringify(logged)).not.toContain('secret')
  })

  test('when all of it is there', async () => {
    const logprobs = [
      {
        token: 'x',
        logprob: 0,
        bytes: null,
        get topLogprobs(): never {
          throw new TypeError('with a secret')
        },
      },
    ]
    const { status, text, logged, outcome } = await ask(false, { text: 'x', logprobs })
    expect([status, JSON.parse(text)]).toEqual([500, { error: failed }])
    checkFault(logged, 'openai-logprobs')
    expect(outcome).toMatchObject({ kind: 'completed' })
  })
})
