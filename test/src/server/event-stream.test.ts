import { fastify } from 'fastify'
import { expect, test } from 'vitest'
import { beginEventStream } from '../../../src/server/event-stream.ts'

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
