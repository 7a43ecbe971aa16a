import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Registry } from 'prom-client'
import { afterEach, describe, expect, test } from 'vitest'
import { WebSocket as WsClient } from 'ws'
import { createServer, type ServerOptions } from '../../../src/server/index.ts'
import { VirtualClock } from '../../../src/testing/index.ts'
import { answering, lasting, type Script, scriptedPipeline } from './scripted-pipeline.ts'
import { Client, type Frame, until } from './socket-client.ts'

const models = [{ id: 'm', provider: 'test', models: ['echo'], capabilities: ['chat', 'stream'] }] as const

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

async function serve(script: Script = answering, options: Partial<ServerOptions> = {}) {
  const pipeline = scriptedPipeline(script)
  const registry = new Registry()
  const server = createServer({ running: pipeline.running, models, registry, ...options })
  const { url, port } = await server.listen({ port: 0 })
  closing.push(() => server.close({ graceMs: 0 }))
  return { url, port, server, pipeline, registry, socketUrl: `${url.replace('http', 'ws')}/v1/stream` }
}

describe('a connection', () => {
  test('answers many requests by their ids, each with one outcome', async () => {
    const { socketUrl, pipeline } = await serve()
    const client = await Client.open(socketUrl, { headers: { 'x-request-id': 'conn' } })
    for (const id of ['a', 'b', 'c']) client.submit(id)
    for (const id of ['a', 'b', 'c']) {
      expect(await client.frame('outcome', id)).toMatchObject({ outcome: { kind: 'completed', chunks: 3 } })
      const chunks = client.frames.filter((frame) => frame.type === 'chunks' && frame.id === id)
      // Chunks that are there together are one message.
      expect(chunks.map((frame) => frame['chunks'])).toEqual([
        [{ text: 'hel' }, { text: 'lo' }],
        [{ text: '!', finishReason: 'stop' }],
      ])
    }
    expect(pipeline.requests.map(({ id }) => id)).toEqual(['conn/a', 'conn/b', 'conn/c'])
    client.submit('a', { id: 'mine', input: 'again' })
    await until(() => client.frames.filter(({ type, id }) => type === 'outcome' && id === 'a').length === 2)
    expect(pipeline.requests.at(-1)).toEqual({ id: 'mine', input: 'again' })
  })

  test('answers in whole characters, also at the end', async () => {
    const { socketUrl } = await serve(async function* () {
      yield [{ text: 'a\ud83d' }]
      yield [{ text: '\ude00', reasoning: '\ud83d' }]
      return undefined
    })
    const client = await Client.open(socketUrl)
    client.submit('a')
    await client.frame('outcome', 'a')
    const chunks = client.frames.flatMap((frame) => frame['chunks'] ?? [])
    expect(chunks).toEqual([{ text: 'a' }, { text: '😀', reasoning: '' }, { text: '', reasoning: '\ud83d' }])
  })

  test("is possible with the platform's own WebSocket", async () => {
    const { socketUrl } = await serve()
    const socket = new WebSocket(socketUrl)
    await new Promise((resolve) => socket.addEventListener('open', resolve))
    const heard: string[] = []
    const over = new Promise<void>((resolve) => {
      socket.addEventListener('message', ({ data }) => {
        heard.push((JSON.parse(data as string) as Frame).type)
        if (heard.at(-1) === 'outcome') resolve()
      })
    })
    socket.send(JSON.stringify({ type: 'submit', id: 'a', request: { input: 'x' } }))
    await over
    expect(heard).toEqual(['chunks', 'chunks', 'outcome'])
    socket.close()
  })

  test('cancels by id, and says how each ended', async () => {
    const { socketUrl, pipeline, registry } = await serve(lasting)
    const client = await Client.open(socketUrl)
    client.submit('a')
    client.submit('b')
    await client.frame('chunks', 'a')
    client.say({ type: 'cancel', id: 'a' })
    expect(await client.frame('outcome', 'a')).toMatchObject({
      outcome: {
        kind: 'cancelled',
        reason: 'the client cancelled it',
        error: { status: 499, message: 'The request was cancelled: the client cancelled it' },
      },
    })
    expect(await registry.metrics()).toContain('http_requests_total{route="/v1/stream#submit",status="499"} 1')
    expect(pipeline.replies[1]?.settled).toBeUndefined()
    client.socket.terminate()
    expect(await pipeline.replies[1]!.outcome).toMatchObject({
      kind: 'cancelled',
      reason: { message: 'the client has left' },
    })
  })

  test('refuses what it does not understand or cannot do, and goes on', async () => {
    const { socketUrl } = await serve(lasting, { limits: { socketRequests: 2, jsonDepth: 5 } })
    const client = await Client.open(socketUrl)
    client.submit('a')
    const cases: [unknown, string | undefined, number, string][] = [
      ['{', undefined, 400, 'invalid_json'],
      [Buffer.from(question), undefined, 400, 'invalid_type'],
      ['[[[[[[]]]]]]', undefined, 400, 'json_too_deep'],
      ['7', undefined, 400, 'invalid_type'],
      [{ type: 'hello', id: 'x1' }, 'x1', 400, 'invalid_value'],
      [{ type: 'submit', request: {} }, undefined, 400, 'invalid_value'],
      [{ type: 'submit', id: 'x2', request: { input: '' } }, 'x2', 400, 'empty_prompt'],
      [{ type: 'submit', id: 'x3', request: { input: 'x', model: 'gpt' } }, 'x3', 404, 'model_not_found'],
      [{ type: 'submit', id: 'x6', request: { input: 'x', parameters: { n: 2 } } }, 'x6', 400, 'unsupported_parameter'],
      [{ type: 'cancel', id: 'x4' }, 'x4', 404, 'unknown_id'],
      [{ type: 'cancel', id: 'x5', why: 1 }, 'x5', 400, 'unknown_parameter'],
      [{ type: 'submit', id: 'a', request: { input: 'x' } }, 'a', 409, 'id_taken'],
    ]
    for (const [frame, id, status, code] of cases) {
      const before = client.frames.length
      client.say(frame)
      await until(() => client.frames.slice(before).some(({ type }) => type === 'error'))
      const error = client.frames.slice(before).find(({ type }) => type === 'error')
      expect([frame, error]).toMatchObject([frame, { error: { status, code } }])
      expect(error?.id).toBe(id)
    }
    client.submit('b')
    client.submit('c')
    expect(await client.frame('error', 'c')).toMatchObject({ error: { status: 429, code: 'too_many_requests' } })
    await client.frame('chunks', 'b')
    expect(client.frames.filter(({ type }) => type === 'outcome')).toEqual([])
  })
})

describe('the opening request', () => {
  const status = async (url: string, options = {}): Promise<number> => {
    const client = new Client(url, options)
    const [, response] = (await once(client.socket, 'unexpected-response')) as [unknown, { statusCode: number }]
    return response.statusCode
  }

  test('needs the key, as a header or, from a browser, as a subprotocol', async () => {
    const { socketUrl } = await serve(answering, { apiKey: 'se/cret=' })
    expect(await status(socketUrl)).toBe(401)
    expect(await status(socketUrl, { headers: { authorization: 'Bearer wrong' } })).toBe(401)
    await Client.open(socketUrl, { headers: { authorization: 'Bearer se/cret=' } })
    const shown = (key: string): string[] => ['spillway', `spillway.bearer.${Buffer.from(key).toString('base64url')}`]
    const client = await Client.open(socketUrl, { protocols: shown('se/cret=') })
    expect(client.socket.protocol).toBe('spillway')
    expect(await status(socketUrl, { protocols: shown('wrong') })).toBe(401)
  })

  test('of a page from elsewhere is refused where there is no key, unless its origin may call', async () => {
    const { socketUrl, port } = await serve(answering, { corsOrigins: ['https://page.example'] })
    expect(await status(socketUrl, { headers: { origin: 'https://example.org' } })).toBe(403)
    for (const origin of [`http://127.0.0.1:${port}`, 'https://page.example'])
      await Client.open(socketUrl, { headers: { origin } })
  })

  test('is heard of like any other: limits, ids, and what is no WebSocket', async () => {
    const { socketUrl, url } = await serve(answering, { limits: { headers: 20 } })
    const many = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`x-${index}`, 'y']))
    expect(await status(socketUrl, { headers: many })).toBe(431)
    expect(await status(`${socketUrl}x`)).toBe(404)
    const plain = await fetch(`${url}/v1/stream`)
    expect([plain.status, plain.headers.get('upgrade')]).toEqual([426, 'websocket'])
    const odd = await fetch(`${url}/v1/stream`, { method: 'PUT' })
    expect([odd.status, odd.headers.get('allow')]).toEqual([405, 'GET, POST'])
  })
})

/** A client that writes bytes of its own choice. */
async function rawSocket(port: number): Promise<{ socket: Socket; closed: Promise<number | undefined> }> {
  const socket = connect(port, '127.0.0.1')
  closing.push(async () => socket.destroy())
  socket.on('error', () => undefined)
  socket.write(
    'GET /v1/stream HTTP/1.1\r\nhost: localhost\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  )
  let heard = Buffer.alloc(0)
  const opened = Promise.withResolvers<void>()
  socket.on('data', (data) => {
    heard = Buffer.concat([heard, data])
    if (heard.includes('\r\n\r\n')) opened.resolve()
  })
  const closed = once(socket, 'close').then(() => {
    const frames = heard.subarray(heard.indexOf('\r\n\r\n') + 4)
    const close = frames.indexOf(0x88)
    return close === -1 ? undefined : frames.readUInt16BE(close + 2)
  })
  socket.on('end', () => socket.end())
  await opened.promise
  return { socket, closed }
}

/** Until the server has counted a connection that is over. */
async function counted(registry: Registry): Promise<void> {
  while (!(await registry.metrics()).includes('http_sockets_closed_total{')) {
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const mask = [1, 2, 3, 4]

/** A frame as bytes: its first byte, whether it is masked, its payload. */
function bytesOf(first: number, payload: string | Buffer = '', { masked = true, length = -1 } = {}): Buffer {
  const data = Buffer.from(payload)
  const size = length === -1 ? data.length : length
  const head =
    size < 126
      ? [size]
      : size < 65_536
        ? [126, size >> 8, size & 255]
        : [127, 0, 0, 0, 0, size >>> 24, (size >> 16) & 255, (size >> 8) & 255, size & 255]
  head[0]! |= masked ? 0x80 : 0
  const body = masked ? data.map((byte, index) => byte ^ mask[index % 4]!) : data
  return Buffer.concat([Buffer.from([first, ...head, ...(masked ? mask : [])]), body])
}

const [text, more, closeFrame, ping, final] = [0x1, 0x0, 0x8, 0x9, 0x80]
const question = JSON.stringify({ type: 'submit', id: 'a', request: { input: 'x' } })

test.each<[string, Buffer[], number]>([
  ['an unmasked frame', [bytesOf(final | text, question, { masked: false })], 1002],
  ['a reserved bit', [bytesOf(final | 0x40 | text, question)], 1002],
  ['an unknown opcode', [bytesOf(final | 0x3, question)], 1002],
  ['a continuation without a start', [bytesOf(final | more, question)], 1002],
  ['a start within a message', [bytesOf(text, 'a'), bytesOf(final | text, 'b')], 1002],
  ['a fragmented control frame', [bytesOf(ping, 'a')], 1002],
  ['a control frame that is too long', [bytesOf(final | ping, 'x'.repeat(126))], 1002],
  ['a message that is too large', [bytesOf(final | text, '', { length: 5000 })], 1009],
  [
    'fragments that are too large together',
    [bytesOf(text, 'x'.repeat(900)), bytesOf(final | more, 'x'.repeat(900))],
    1009,
  ],
  ['text that is not UTF-8', [bytesOf(final | text, Buffer.from([0xff, 0xfe]))], 1007],
  ['a close code that does not exist', [bytesOf(final | closeFrame, Buffer.from([0x03, 0xec]))], 1002],
  ['too many messages', Array.from({ length: 30 }, () => bytesOf(final | text, '{}')), 1008],
  ['too many pings', Array.from({ length: 30 }, () => bytesOf(final | ping)), 1008],
])('%s closes the connection with its code, and the next one works', async (_name, frames, code) => {
  const { port, registry, pipeline, socketUrl } = await serve(lasting, {
    limits: { socketMessageBytes: 1000, socketMessagesPerSecond: 20 },
  })
  const { socket, closed } = await rawSocket(port)
  socket.write(bytesOf(final | text, question))
  await until(() => pipeline.replies.length === 1)
  for (const frame of frames) socket.write(frame)
  await until(() => pipeline.replies[0]!.settled !== undefined)
  expect(pipeline.replies[0]!.settled).toMatchObject({ kind: 'cancelled' })
  socket.write(bytesOf(final | closeFrame, Buffer.from([0x03, 0xe8])))
  expect(await closed).toBe(code)
  await counted(registry)
  expect(await registry.metrics()).toContain(`http_sockets_closed_total{code="${code}"} 1`)
  const client = await Client.open(socketUrl)
  client.submit('b')
  await client.frame('chunks', 'b')
})

test('a message may come in fragments, with control frames between', async () => {
  const { port, pipeline } = await serve()
  const { socket } = await rawSocket(port)
  socket.write(bytesOf(text, question.slice(0, 10)))
  socket.write(bytesOf(final | ping, 'p'))
  socket.write(bytesOf(more, question.slice(10, 20)))
  socket.write(bytesOf(final | more, question.slice(20)))
  await until(() => pipeline.requests.length === 1)
  expect(pipeline.requests[0]).toMatchObject({ input: 'x' })
})

describe('in silence', () => {
  test('a ping goes out after each heartbeat, and a client that does not answer is cut off', async () => {
    const clock = new VirtualClock()
    const { port, socketUrl, pipeline } = await serve(lasting, {
      clock,
      heartbeatMs: 1000,
      limits: { unreadTimeoutMs: 4000 },
    })
    const alive = await Client.open(socketUrl)
    let pings = 0
    alive.socket.on('ping', () => pings++)
    for (let count = 1; count <= 10; count++) {
      await clock.advance(1000)
      await until(() => pings === count)
      // The answer has to get there in real time.
      await new Promise((resolve) => alive.socket.ping(resolve))
      await once(alive.socket, 'pong')
    }
    const { socket, closed } = await rawSocket(port)
    socket.write(bytesOf(final | text, question))
    await until(() => pipeline.replies.length === 1)
    await clock.advance(4000)
    expect(pipeline.replies[0]?.settled).toBeUndefined()
    await clock.advance(2000)
    expect(pipeline.replies[0]?.settled).toMatchObject({
      kind: 'cancelled',
      reason: { message: expect.stringContaining('unreadTimeoutMs') as string },
    })
    await clock.advance(5000)
    expect(await closed).toBe(1008)
  })
})

test('a client that does not read holds the model still, and is cut off in time', async () => {
  let batches = 0
  const { port, pipeline, registry, socketUrl } = await serve(
    async function* () {
      for (; batches < 100_000; batches++) yield [{ text: 'x'.repeat(10_000) }]
      return undefined
    },
    { limits: { unreadTimeoutMs: 400 } },
  )
  const { socket } = await rawSocket(port)
  socket.pause()
  socket.write(bytesOf(final | text, question))
  await until(() => pipeline.replies.length === 1)
  expect(await pipeline.replies[0]!.outcome).toMatchObject({
    kind: 'cancelled',
    reason: { message: expect.stringMatching(/unreadTimeoutMs|has left/) as string },
  })
  // What the two sockets' buffers hold is a few megabytes; the answer is a gigabyte.
  expect(batches).toBeLessThan(5_000)
  socket.destroy()
  await counted(registry)
  const client = await Client.open(socketUrl)
  client.say({ type: 'cancel', id: 'none' })
  await client.frame('error', 'none')
})

test('while it shuts down new requests are shed, running ones finish, and then it says goodbye', async () => {
  const { socketUrl, pipeline, server } = await serve(async function* (request, cancelled) {
    if (request.input === 'late') return { kind: 'shed', stage: 'rag', reason: 'draining', retryAfterMs: 100 }
    yield [{ text: 'first' }]
    await cancelled
    return undefined
  })
  const [busy, idle] = [await Client.open(socketUrl), await Client.open(socketUrl)]
  busy.submit('a')
  await busy.frame('chunks', 'a')
  pipeline.state = 'draining'
  busy.submit('b', { input: 'late' })
  expect(await busy.frame('outcome', 'b')).toMatchObject({ outcome: { kind: 'shed', reason: 'draining' } })
  expect(busy.socket.readyState).toBe(WsClient.OPEN)
  pipeline.replies[0]!.cancel('drained')
  await busy.frame('outcome', 'a')
  expect((await busy.closed).code).toBe(1001)
  const closed = server.close()
  expect(await idle.closed).toEqual({ code: 1001, reason: 'the server is shutting down' })
  await closed
})
