import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import type { ServerOptions } from '../../src/server/index.ts'
import { rawExchange } from '../fixtures/raw-exchange.ts'
import { hello, json, route } from './bad-input-row.ts'
import { type OpenServer, startOpenServer } from './open-server.ts'

const open: OpenServer[] = []
afterEach(async () => {
  for (const server of open.splice(0)) await server.close()
})

async function serve(options: Partial<ServerOptions> = {}): Promise<OpenServer> {
  const server = await startOpenServer(options)
  open.push(server)
  return server
}

const asked = (line: string, ...headers: readonly string[]): string =>
  [line, ...headers, 'connection: close', '', ''].join('\r\n')

const chat = (host: string, ...headers: readonly string[]): string =>
  `POST ${route} HTTP/1.1\r\nhost: ${host}\r\n${headers.join('')}${json}content-length: ${hello.length}\r\nconnection: close\r\n\r\n${hello}`

/** Whether a WebSocket opens, or the status that says why not. */
async function upgraded(port: number, host: string, protocols: readonly string[] = []): Promise<number> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/stream`, [...protocols], { headers: { host } })
  const refused = new Promise<number>((resolve) => {
    socket.on('unexpected-response', (request, response) => {
      resolve(response.statusCode ?? 0)
      request.destroy()
    })
  })
  socket.on('error', () => undefined)
  const status = await Promise.race([once(socket, 'open').then(() => 101), refused])
  socket.terminate()
  return status
}

test('a page whose name was made to point here is refused on every route, and told the host and the option', async () => {
  const server = await serve()
  const evil = 'evil.example:8080'
  const [refusal] = await rawExchange(server.port, chat(evil))
  expect(refusal).toMatchObject({ status: 403, code: 'host_not_allowed' })
  expect(refusal!.message).toContain(`the host "${evil}" is not one of this server's`)
  expect(refusal!.message).toContain('allowedHosts (--allowed-host)')
  expect(JSON.parse(refusal!.body)).toMatchObject({ error: { type: 'permission_error', param: 'host' } })
  for (const path of ['/metrics', '/v1/pipeline', '/v1/models', '/openapi.json', '/', '/nowhere', '/%']) {
    const responses = await rawExchange(server.port, asked(`GET ${path} HTTP/1.1`, `host: ${evil}`))
    expect(responses).toMatchObject([{ status: 403, code: 'host_not_allowed' }])
  }
  expect(await upgraded(server.port, evil)).toBe(403)
  expect(await server.counted(route, 403)).toBe(1)
  await server.quiet()
})

test('by addresses, localhost and what is allowed it answers, probes and scrapers too', async () => {
  const server = await serve({ allowedHosts: ['chat.example.org'] })
  const { port } = server
  for (const host of [
    'localhost',
    `localhost:${port}`,
    '127.0.0.1',
    `[::1]:${port}`,
    '10.1.2.3:80',
    'Chat.Example.org',
  ]) {
    expect(await rawExchange(port, chat(host))).toMatchObject([{ status: 200 }])
    expect(await upgraded(port, host)).toBe(101)
  }
  for (const path of ['/healthz', '/readyz', '/metrics']) {
    const responses = await rawExchange(port, asked(`GET ${path} HTTP/1.1`, `host: 10.1.2.3:${port}`))
    expect(responses).toMatchObject([{ status: 200 }])
  }
  await server.quiet()
})

test('health tells nothing, and is told to probes by any name', async () => {
  const { port } = await serve()
  for (const path of ['/healthz', '/readyz']) {
    expect(await rawExchange(port, asked(`GET ${path} HTTP/1.1`, 'host: spillway.internal'))).toMatchObject([
      { status: 200 },
    ])
  }
})

test('without a host HTTP/1.0 is answered and HTTP/1.1 is not; an empty one is refused', async () => {
  const { port } = await serve()
  expect(await rawExchange(port, 'GET /v1/models HTTP/1.0\r\n\r\n')).toMatchObject([{ status: 200 }])
  expect(await rawExchange(port, asked('GET /v1/models HTTP/1.1'))).toMatchObject([
    { status: 400, code: 'missing_host' },
  ])
  for (const version of ['1.0', '1.1']) {
    const responses = await rawExchange(port, asked(`GET /v1/models HTTP/${version}`, 'host: '))
    expect(responses).toMatchObject([{ status: 403, code: 'host_not_allowed' }])
  }
})

test('with a key, which no strange page has, any host will do', async () => {
  const { port } = await serve({ apiKey: 'secret' })
  const key = 'authorization: Bearer secret\r\n'
  expect(await rawExchange(port, chat('chat.example.org', key))).toMatchObject([{ status: 200 }])
  expect(await rawExchange(port, chat('chat.example.org'))).toMatchObject([{ status: 401 }])
  const shown = `spillway.bearer.${Buffer.from('secret').toString('base64url')}`
  expect(await upgraded(port, 'chat.example.org', ['spillway', shown])).toBe(101)
})
