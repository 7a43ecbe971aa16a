import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { createServer, type ServerOptions } from '../../../src/server/index.ts'
import { scriptedPipeline } from './scripted-pipeline.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

async function serve(options: Partial<ServerOptions> = {}): Promise<{ readonly url: string; readonly port: number }> {
  const { running } = scriptedPipeline(async function* () {
    yield [{ text: 'hello', finishReason: 'stop' }]
    return undefined
  })
  const models = [{ id: 'm', provider: 'test', models: ['echo'], capabilities: ['chat', 'stream'] }] as const
  const server = createServer({ running, models, ...options })
  const { url, port } = await server.listen({ port: 0 })
  closing.push(() => server.close({ graceMs: 0 }))
  return { url, port }
}

test('a refused upgrade is closed, also where the client would keep the connection', async () => {
  const { url, port } = await serve({ apiKey: 'key', limits: { connections: 2 } })
  const held = ['/nowhere', '/v1/stream'].map((path) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    let heard = ''
    socket.on('data', (data) => (heard += data.toString()))
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`)
    // Its own side stays open: the server has to give the connection up.
    closing.push(async () => socket.destroy())
    return once(socket, 'end').then(() => heard.split('\r\n')[0])
  })
  expect(await Promise.all(held)).toEqual(['HTTP/1.1 401 Unauthorized', 'HTTP/1.1 401 Unauthorized'])
  let status = 0
  while (status !== 200) {
    status = (await fetch(`${url}/healthz`, { headers: { connection: 'close' } })).status
    expect([200, 503]).toContain(status)
  }
})

test('a stream is found again by the longest id that may be given, every character of it escaped', async () => {
  const { url } = await serve()
  const id = '%'.repeat(128)
  const body = JSON.stringify({ id, input: 'hi' })
  const asked = await fetch(`${url}/v1/stream`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  })
  const text = await asked.text()
  const resumed = await fetch(`${url}/v1/stream/${encodeURIComponent(id)}`, { headers: { 'last-event-id': '0' } })
  expect(resumed.status).toBe(200)
  expect(await resumed.text()).toBe(text)
})

test('a preflight is held to the same limits as any request', async () => {
  const { url } = await serve({ corsOrigins: ['https://page.example'], limits: { headers: 8 } })
  const ask = { origin: 'https://page.example', 'access-control-request-method': 'POST' }
  const many = Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`x-${index}`, '1']))
  const options = (headers: Record<string, string>): Promise<Response> =>
    fetch(`${url}/v1/models`, { method: 'OPTIONS', headers: { ...ask, ...headers } })
  expect((await options(many)).status).toBe(431)
})
