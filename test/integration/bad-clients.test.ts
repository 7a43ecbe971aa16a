import diagnostics from 'node:diagnostics_channel'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import type { ServerOptions } from '../../src/server/index.ts'
import { rawExchange, rawSocket, readResponses } from '../fixtures/raw-exchange.ts'
import { get, hello, json, post, route } from './bad-input-row.ts'
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

/** A connection, and the server's end of it. */
async function bothEnds(port: number): Promise<readonly [client: Socket, server: Socket]> {
  const accepted = Promise.withResolvers<Socket>()
  const note = (message: unknown): void => {
    accepted.resolve((message as { readonly socket: Socket }).socket)
  }
  diagnostics.subscribe('net.server.socket', note)
  const client = await rawSocket(port)
  const server = await accepted.promise
  diagnostics.unsubscribe('net.server.socket', note)
  return [client, server]
}

/** Nothing has been leaked, and the next request works. */
async function unharmed(server: OpenServer): Promise<void> {
  await server.quiet()
  expect(await rawExchange(server.port, post(hello))).toMatchObject([{ status: 200 }])
  await server.quiet()
}

/** Sends a text a few bytes at a time, over and over, until the connection is closed. */
function trickle(socket: Socket, text: string): void {
  const timer = setInterval(() => {
    socket.write(text)
  }, 20)
  socket.once('close', () => {
    clearInterval(timer)
  })
}

const length = Buffer.byteLength(hello)
const keepAlive = `POST ${route} HTTP/1.1\r\nhost: localhost\r\n${json}content-length: ${length}\r\n\r\n${hello}`

test('headers that trickle are cut off, and the limit is named', async () => {
  const server = await serve({ limits: { headersTimeoutMs: 200 } })
  const socket = await rawSocket(server.port)
  socket.write('GET /healthz HTTP/1.1\r\nhost: localhost\r\n')
  trickle(socket, 'x: y\r\n')
  const [response] = await readResponses(socket)
  expect(response).toMatchObject({ status: 408, code: 'headers_timeout' })
  expect(response!.message).toContain('limit headersTimeoutMs of 200 ms')
  expect(await server.counted('unmatched', 408)).toBe(1)
  await unharmed(server)
})

test.each([
  ['with a length', 'content-length: 1000000\r\n\r\n', ' '],
  ['in chunks', 'transfer-encoding: chunked\r\n\r\n', '1\r\n \r\n'],
])('a body that trickles, %s, is cut off, and the limit is named', async (_name, framing, piece) => {
  const server = await serve({ limits: { bodyTimeoutMs: 200 } })
  const socket = await rawSocket(server.port)
  socket.write(`POST ${route} HTTP/1.1\r\nhost: localhost\r\n${json}${framing}`)
  trickle(socket, piece)
  const [response] = await readResponses(socket)
  expect(response).toMatchObject({ status: 408, code: 'body_timeout', headers: { connection: 'close' } })
  expect(response!.message).toContain('limit bodyTimeoutMs of 200 ms')
  expect([await server.counted(route, 408), await server.countedAll()]).toEqual([1, 1])
  await unharmed(server)
})

test('a body that trickles for a request that was refused is not read for ever', async () => {
  const server = await serve({ limits: { headersTimeoutMs: 100, bodyTimeoutMs: 100 } })
  const socket = await rawSocket(server.port)
  socket.write('POST /nowhere HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000\r\n\r\n')
  trickle(socket, ' ')
  expect(await readResponses(socket)).toMatchObject([{ status: 404 }])
  expect(await server.countedAll()).toBe(1)
  await unharmed(server)
})

test('a thousand idle connections hold up nobody, and are closed', async () => {
  const server = await serve({ limits: { headersTimeoutMs: 500 } })
  const idle = await Promise.all(Array.from({ length: 1_000 }, () => rawSocket(server.port)))
  const told = Promise.all(idle.map((socket) => readResponses(socket)))
  expect(await rawExchange(server.port, post(hello))).toMatchObject([{ status: 200 }])
  for (const responses of await told) expect(responses).toMatchObject([{ status: 408, code: 'headers_timeout' }])
  expect(await server.counted('unmatched', 408)).toBe(1_000)
  await unharmed(server)
})

test('a connection that is idle after a request is closed without a word', async () => {
  const server = await serve({ limits: { idleTimeoutMs: 100 } })
  const socket = await rawSocket(server.port)
  socket.write(keepAlive)
  expect(await readResponses(socket)).toMatchObject([{ status: 200, headers: { connection: 'keep-alive' } }])
  expect(await server.countedAll()).toBe(1)
  await unharmed(server)
})

test('one connection too many is told the limit', async () => {
  const server = await serve({ limits: { connections: 2 } })
  const [first, second] = [await rawSocket(server.port), await rawSocket(server.port)]
  const [response] = await rawExchange(server.port, get('/healthz'))
  expect(response).toMatchObject({ status: 503, code: 'too_many_connections', headers: { 'retry-after': '1' } })
  expect(response!.message).toContain('limit connections of 2')
  first.destroy()
  second.destroy()
  await unharmed(server)
})

test('a client that only closes its writing side still gets its answer', async () => {
  const server = await serve()
  const socket = await rawSocket(server.port, { allowHalfOpen: true })
  const responses = readResponses(socket)
  socket.end(keepAlive)
  socket.once('end', () => socket.destroy())
  expect(await responses).toMatchObject([{ status: 200 }])
  expect(await server.counted(route, 200)).toBe(1)
  await unharmed(server)
})

test.each([
  ['in its headers', 'GET /healthz HTTP/1.1\r\nhost: he', 'unmatched'],
  ['in its body', keepAlive.slice(0, -5), route],
  [
    'in a chunk',
    `POST ${route} HTTP/1.1\r\nhost: localhost\r\n${json}transfer-encoding: chunked\r\n\r\nff\r\n{`,
    route,
  ],
])('a client that closes its writing side %s hears 400', async (_name, said, where) => {
  const server = await serve()
  const socket = await rawSocket(server.port, { allowHalfOpen: true })
  const responses = readResponses(socket)
  socket.once('end', () => socket.destroy())
  socket.end(said)
  expect(await responses).toMatchObject([{ status: 400, code: 'malformed_request' }])
  expect([await server.counted(where, 400), await server.countedAll()]).toEqual([1, 1])
  await unharmed(server)
})

test.each([
  ['in its headers', 'GET /healthz HTTP/1.1\r\nhost: he', 'unmatched'],
  ['in its body', keepAlive.slice(0, -5), route],
  ['in its answer', keepAlive.repeat(50), route],
])('a client that breaks off %s is counted as gone', async (_name, said, where) => {
  const server = await serve()
  const [socket, accepted] = await bothEnds(server.port)
  await new Promise((resolve) => socket.write(said, resolve))
  if (where === 'unmatched')
    while (accepted.bytesRead < said.length) await new Promise((resolve) => setImmediate(resolve))
  else if (said === keepAlive.repeat(50)) await once(socket, 'data')
  else while (server.running.ledger().submitted > 0) await new Promise((resolve) => setImmediate(resolve))
  socket.resetAndDestroy()
  await server.quiet()
  while ((await server.countedAll()) === 0) await new Promise((resolve) => setImmediate(resolve))
  if (said !== keepAlive.repeat(50)) {
    expect([await server.counted(where, 499), await server.countedAll()]).toEqual([1, 1])
  }
  await unharmed(server)
})

test('requests that are sent before the answers are there are answered in their order', async () => {
  const server = await serve()
  const last = post(hello)
  const responses = await rawExchange(
    server.port,
    keepAlive,
    get('/nowhere').replace('connection: close\r\n', ''),
    last,
  )
  expect(responses.map(({ status }) => status)).toEqual([200, 404, 200])
  await unharmed(server)
})

test.each([
  ['a body longer than it was said to be', `${keepAlive}xx`],
  ['a broken request right after a good one', `${keepAlive}GET / HTTP/1.1\r\n: x\r\n\r\n`],
])('%s: the good request is answered, then the rest is refused', async (_name, said) => {
  const server = await serve()
  const responses = await rawExchange(server.port, said)
  expect(responses).toMatchObject([{ status: 200 }, { status: 400, code: 'malformed_request' }])
  expect([await server.counted(route, 200), await server.counted('unmatched', 400)]).toEqual([1, 1])
  await unharmed(server)
})

test('who asks before it sends its body is told to go on, or what is wrong', async () => {
  const server = await serve({ apiKey: 'secret', limits: { bodyBytes: 1_000 } })
  const ask = async (key: string, length: number, body: string): Promise<string> => {
    const socket = await rawSocket(server.port)
    let text = ''
    socket.on('data', (data: Buffer) => {
      text += data.toString()
      if (text === 'HTTP/1.1 100 Continue\r\n\r\n') socket.write(body)
    })
    socket.write(
      `POST ${route} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nexpect: 100-continue\r\nauthorization: Bearer ${key}\r\n${json}content-length: ${length}\r\n\r\n`,
    )
    await once(socket, 'close')
    return text
  }
  expect(await ask('secret', length, hello)).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/)
  expect(await ask('secret', 1_001, '')).toMatch(/^HTTP\/1\.1 413 /)
  expect(await ask('wrong', length, hello)).toMatch(/^HTTP\/1\.1 401 /)
  expect(await rawExchange(server.port, get('/%zz'))).toMatchObject([{ status: 401 }])
  await server.quiet()
})
