import { fastify } from 'fastify'
import { expect, test } from 'vitest'
import { beginEventStream } from '../../../src/server/event-stream.ts'
import { createServer } from '../../../src/server/index.ts'
import { scriptedPipeline } from './scripted-pipeline.ts'

test.each([
  ['running', 'keep-alive'],
  ['draining', 'close'],
] as const)('keeps the headers that were set before it, while %s', async (state, connection) => {
  const app = fastify()
  app.addHook('onRequest', (request, reply, done) => {
    void reply.header('x-request-id', 'mine').header('vary', 'origin')
    reply.raw.setHeader('access-control-allow-origin', 'https://page.example')
    done()
  })
  app.get('/', (request, reply) => {
    beginEventStream(reply, { state })
    reply.raw.end('data: 1\n\n')
    return reply
  })
  try {
    const response = await fetch(await app.listen({ host: '127.0.0.1', port: 0 }))
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
      'x-accel-buffering': 'no',
      'x-request-id': 'mine',
      vary: 'origin',
      'access-control-allow-origin': 'https://page.example',
      connection,
    })
    expect(await response.text()).toBe('data: 1\n\n')
  } finally {
    await app.close()
  }
})

test.each([
  ['/v1/chat/completions', { messages: [{ role: 'user', content: 'hello' }], stream: true }],
  ['/v1/completions', { prompt: 'hello', stream: true }],
  ['/v1/stream', { input: 'hello' }],
])('a page of an origin that is let in may read what %s streams', async (path, body) => {
  const { running } = scriptedPipeline(async function* () {
    yield [{ text: 'hello' }]
    return undefined
  })
  const server = createServer({
    running,
    completions: running,
    models: [{ id: 'm', provider: 'test', models: ['m'], capabilities: ['chat', 'stream', 'completions'] }],
    corsOrigins: ['https://page.example'],
  })
  try {
    const { url } = await server.listen({ port: 0 })
    const response = await fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-request-id': 'mine', origin: 'https://page.example' },
      body: JSON.stringify(body),
    })
    expect(response.status).toBe(200)
    expect(response.headers.get('access-control-allow-origin')).toBe('https://page.example')
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    expect(response.headers.get('x-request-id')).toBe('mine')
    expect(await response.text()).toContain('hello')
  } finally {
    await server.close({ graceMs: 0 })
  }
})
