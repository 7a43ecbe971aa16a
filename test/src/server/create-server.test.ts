import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { text as readText } from 'node:stream/consumers'
import { Registry } from 'prom-client'
import { afterEach, describe, expect, test } from 'vitest'
import { createServer, type SpillwayServer } from '../../../src/server/index.ts'
import type { ServerOptions } from '../../../src/server/index.ts'
import { StageError } from '../../../src/pipeline/errors.ts'
import { sessionDigest } from '../../../src/session-digest.ts'
import { scriptedPipeline, type Script } from './scripted-pipeline.ts'

const models = [{ id: 'm', provider: 'test', models: ['echo'], capabilities: ['chat', 'stream'] }] as const
const hello = { messages: [{ role: 'user', content: 'hello' }] }
const json = { 'content-type': 'application/json' }

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

interface Serving {
  readonly url: string
  readonly port: number
  readonly server: SpillwayServer
  readonly pipeline: ReturnType<typeof scriptedPipeline>
  post(body: unknown, headers?: Record<string, string>, signal?: AbortSignal): Promise<Response>
}

const answering: Script = async function* () {
  yield [{ text: 'hel' }, { text: 'lo' }]
  yield [{ text: '!', finishReason: 'stop', usage: { promptTokens: 1, completionTokens: 3 } }]
  return undefined
}

async function serve(script: Script = answering, options: Partial<ServerOptions> = {}): Promise<Serving> {
  const pipeline = scriptedPipeline(script)
  const server = createServer({ running: pipeline.running, models, ...options })
  const { url, port } = await server.listen({ port: 0 })
  closing.push(() => server.close({ graceMs: 0 }))
  return {
    url,
    port,
    server,
    pipeline,
    post: (body, headers = {}, signal = new AbortController().signal) =>
      fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers: { ...json, ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
        signal,
      }),
  }
}

/** A connection on which anything can be said. */
async function rawConnection(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  closing.push(async () => socket.destroy())
  await once(socket, 'connect')
  return socket
}

describe('an answer', () => {
  test('in one piece has the text, the reason and the usage', async () => {
    const { post, pipeline } = await serve()
    const response = await post({ ...hello, user: 'ann' }, { 'x-request-id': 'mine' })
    expect(response.status).toBe(200)
    expect(response.headers.get('x-request-id')).toBe('mine')
    expect(await response.json()).toMatchObject({
      id: 'chatcmpl-s1',
      object: 'chat.completion',
      model: 'echo',
      choices: [{ index: 0, message: { role: 'assistant', content: 'hello!' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 1, completion_tokens: 3, total_tokens: 4 },
    })
    expect(pipeline.requests).toEqual([{ ...hello, model: 'echo', id: 'mine', session: 'ann' }])
  })

  test('as a stream has its headers and ends in [DONE]', async () => {
    const { post } = await serve()
    const response = await post({ ...hello, stream: true })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    expect(response.headers.get('cache-control')).toBe('no-cache')
    expect(response.headers.get('x-accel-buffering')).toBe('no')
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
    const wire = await response.text()
    expect(wire.split('\n\n').slice(-2)).toEqual(['data: [DONE]', ''])
  })

  test('the session is the header, before the user', async () => {
    const { post, pipeline } = await serve()
    await post({ ...hello, user: 'ann' }, { 'x-session-id': 's-1' })
    expect(pipeline.requests[0]?.session).toBe('s-1')
    const response = await post(hello, { 'x-session-id': 'x'.repeat(513) })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { param: 'x-session-id' } })
  })

  test('the deadline of the server goes with every request', async () => {
    const { post, pipeline } = await serve(answering, { deadlineMs: 5000 })
    await post(hello)
    expect(pipeline.requests[0]?.deadlineMs).toBe(5000)
  })

  test('an id that cannot stand in a header or a log is replaced', async () => {
    const { post } = await serve()
    for (const id of ['x'.repeat(129), 'a b']) {
      const response = await post(hello, { 'x-request-id': id })
      expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
    }
  })
})

describe('a request that ends without an answer', () => {
  test.each([true, false])('is told its status before the first chunk, stream: %s', async (stream) => {
    const { post } = await serve(async function* () {
      return { kind: 'shed', stage: 'rag', reason: 'door', retryAfterMs: 1500 }
    })
    const response = await post({ ...hello, stream })
    expect(response.status).toBe(429)
    expect(response.headers.get('retry-after')).toBe('2')
    expect(response.headers.get('retry-after-ms')).toBe('1500')
    expect(response.headers.get('x-request-id')).not.toBeNull()
    expect(await response.json()).toMatchObject({
      error: { code: 'overloaded', type: 'rate_limit_error', param: null },
    })
  })

  test('in mid-stream is an error frame and no [DONE]', async () => {
    const { post } = await serve(async function* () {
      yield [{ text: 'half' }]
      return { kind: 'failed', stage: 'inference', error: new StageError('inference', 'broke') }
    })
    const response = await post({ ...hello, stream: true })
    expect(response.status).toBe(200)
    const frames = (await response.text()).trimEnd().split('\n\n')
    expect(JSON.parse(frames.at(-1)!.slice(6))).toMatchObject({ error: { code: 'stage_failed', type: 'server_error' } })
  })
})

describe('a client that leaves', () => {
  const waiting: Script = async function* (_request, cancelled) {
    await cancelled
    return undefined
  }
  const streaming: Script = async function* (_request, cancelled) {
    yield [{ text: 'first' }]
    await cancelled
    return undefined
  }

  test.each([
    ['while the request waits for a whole answer', waiting, false],
    ['while the request waits for its first chunk', waiting, true],
    ['in mid-stream', streaming, true],
  ])('%s cancels it', async (_name, script, stream) => {
    let submitted: () => void
    const arrived = new Promise<void>((resolve) => (submitted = resolve))
    const { post, pipeline } = await serve(async function* (request, cancelled) {
      submitted()
      return yield* script(request, cancelled)
    })
    const leaving = new AbortController()
    const response = post({ ...hello, stream }, {}, leaving.signal)
    response.catch(() => undefined)
    await arrived
    if (script === streaming) {
      const reader = (await response).body!.getReader()
      await reader.read()
      reader.read().catch(() => undefined)
    }
    leaving.abort()
    expect(await pipeline.replies[0]!.outcome).toMatchObject({
      kind: 'cancelled',
      reason: { message: 'the client has left' },
    })
  })

  test('or does not read is not written to without end', async () => {
    let batches = 0
    const { port, pipeline } = await serve(
      async function* () {
        for (; batches < 100_000; batches++) yield [{ text: 'x'.repeat(10_000) }]
        return undefined
      },
      { limits: { unreadTimeoutMs: 200 } },
    )
    const socket = await rawConnection(port)
    socket.pause()
    const body = JSON.stringify({ ...hello, stream: true })
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
    while (pipeline.replies[0] === undefined) await new Promise((resolve) => setImmediate(resolve))
    expect(await pipeline.replies[0].outcome).toMatchObject({
      kind: 'cancelled',
      reason: { message: 'the client has left' },
    })
    // What the two sockets' buffers hold is a few megabytes; the answer is a gigabyte.
    expect(batches).toBeLessThan(5_000)
  })
})

describe('bad input', () => {
  test.each<[string, string, Record<string, string>, number, string]>([
    ['no JSON', '{', json, 400, 'invalid_json'],
    ['nothing', '', json, 400, 'invalid_json'],
    ['a wrong type', '{"messages":7}', json, 400, 'invalid_type'],
    ['deep JSON', `{"messages":${'['.repeat(50)}${']'.repeat(50)}}`, json, 400, 'json_too_deep'],
    ['another content type', 'hello', { 'content-type': 'text/plain' }, 415, 'unsupported_media_type'],
    ['a large body', `{"a":"${'x'.repeat(3000)}"}`, json, 413, 'body_too_large'],
    ['a compressed body', 'x', { ...json, 'content-encoding': 'gzip' }, 415, 'unsupported_content_encoding'],
    ['another model', JSON.stringify({ ...hello, model: 'gpt' }), json, 404, 'model_not_found'],
  ])('%s gets %s', async (_name, body, headers, status, code) => {
    const { url } = await serve(answering, { limits: { bodyBytes: 2000 } })
    const response = await fetch(`${url}/v1/chat/completions`, { method: 'POST', headers, body })
    expect(response.status).toBe(status)
    expect(response.headers.get('x-request-id')).not.toBeNull()
    expect(await response.json()).toMatchObject({ error: { code, type: 'invalid_request_error' } })
    const after = await fetch(`${url}/healthz`)
    expect(after.status).toBe(200)
  })

  test('a path or a method that is not there is told in the shape of its place', async () => {
    const { url } = await serve()
    const cases = [
      ['GET', '/v1/chat/completions', 405, 'application/json; charset=utf-8', 'POST'],
      ['GET', '/v1/chat/other', 404, 'application/json; charset=utf-8', null],
      ['POST', '/healthz', 405, 'application/problem+json; charset=utf-8', 'GET, HEAD'],
      ['POST', '/v1/responses', 404, 'application/json; charset=utf-8', null],
      ['POST', '/v1/models/x/y', 405, 'application/json; charset=utf-8', 'GET, HEAD'],
      ['GET', '/other?x=/v1/chat', 404, 'application/problem+json; charset=utf-8', null],
      ['GET', '/%zz', 400, 'application/problem+json; charset=utf-8', null],
      ['POST', '/metrics', 405, 'application/problem+json; charset=utf-8', 'GET, HEAD'],
    ] as const
    for (const [method, path, status, type, allow] of cases) {
      const response = await fetch(url + path, { method })
      expect([path, response.status]).toEqual([path, status])
      expect(response.headers.get('content-type')).toBe(type)
      expect(response.headers.get('allow')).toBe(allow)
      expect(response.headers.get('x-request-id')).not.toBeNull()
      const body = (await response.json()) as { status?: number; error?: object }
      if (type.startsWith('application/problem')) expect(body.status).toBe(status)
      else expect(body.error).toBeDefined()
    }
  })

  test('too many headers and too large ones get 431', async () => {
    const { url, port } = await serve(answering, { limits: { headers: 20, headerBytes: 2048 } })
    const many = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`x-${index}`, 'y']))
    const response = await fetch(`${url}/healthz`, { headers: many })
    expect(response.status).toBe(431)
    expect(await response.json()).toMatchObject({ code: 'too_many_headers' })
    const socket = await rawConnection(port)
    socket.write(`GET /healthz HTTP/1.1\r\nhost: localhost\r\nx-large: ${'y'.repeat(5000)}\r\n\r\n`)
    const answer = await readText(socket)
    expect(answer).toMatch(/^HTTP\/1\.1 431 /)
    expect(answer).toMatch(/x-request-id: \S+/)
    expect(answer).toContain('"code":"headers_too_large"')
  })

  test('what is not HTTP gets 400', async () => {
    const { port } = await serve()
    const socket = await rawConnection(port)
    socket.write('hello there\r\n\r\n')
    expect(await readText(socket)).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/)
  })

  test.each([
    ['says nothing', ''],
    ['stops in the headers', 'GET /healthz HTTP/1.1\r\nhost: localhost\r\n'],
    [
      'stops in the body',
      'POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{',
    ],
  ])('a client that %s gets 408', async (_name, said) => {
    const { port } = await serve(answering, { limits: { headersTimeoutMs: 200, bodyTimeoutMs: 200 } })
    const socket = await rawConnection(port)
    if (said !== '') socket.write(said)
    expect(await readText(socket)).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/)
  })

  test('a request on a connection too many gets 503', async () => {
    const { port, url } = await serve(answering, { limits: { connections: 1 } })
    await rawConnection(port)
    const response = await fetch(`${url}/healthz`)
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({ code: 'too_many_connections' })
  })
})

describe('the key', () => {
  test('is asked for on every route but health', async () => {
    const { url } = await serve(answering, { apiKey: 'secret' })
    for (const path of ['/v1/models', '/metrics', '/v1/pipeline', '/nowhere']) {
      const known = path === '/nowhere' ? 404 : 200
      expect((await fetch(url + path)).status).toBe(401)
      expect((await fetch(url + path, { headers: { authorization: 'Bearer wrong' } })).status).toBe(401)
      expect((await fetch(url + path, { headers: { authorization: 'Basic secret' } })).status).toBe(401)
      expect((await fetch(url + path, { headers: { authorization: 'Bearer secret' } })).status).toBe(known)
    }
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
  })
})

describe('what is told', () => {
  test('models, readiness, the pipeline', async () => {
    const { url, pipeline } = await serve(answering, { topology: { stages: [] } })
    const list: unknown = await (await fetch(`${url}/v1/models`)).json()
    expect(list).toMatchObject({ object: 'list', data: [{ id: 'echo', object: 'model', owned_by: 'test' }] })
    expect(await (await fetch(`${url}/v1/pipeline`)).json()).toMatchObject({
      name: 'scripted',
      state: 'running',
      topology: { stages: [] },
      ledger: { submitted: 0, inFlight: 0 },
      deadLetters: { selected: 0, pending: 0, dropped: 0 },
    })
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
    for (const state of ['draining', 'failed', 'stopped'] as const) {
      pipeline.state = state
      const response = await fetch(`${url}/readyz`)
      expect(response.status).toBe(503)
      expect(response.headers.get('connection')).toBe('close')
      expect(((await response.json()) as { detail: string }).detail).toContain(state)
      expect((await fetch(`${url}/healthz`)).status).toBe(200)
    }
  })

  test('requests are counted by route and status, also those that were refused', async () => {
    const registry = new Registry()
    const { url, post } = await serve(answering, { registry })
    await (await post(hello)).text()
    await (await post('{')).text()
    await (await fetch(`${url}/${'x'.repeat(50)}`)).text()
    const response = await fetch(`${url}/metrics`)
    expect(response.headers.get('content-type')).toBe(registry.contentType)
    const lines = (await response.text())
      .split('\n')
      .filter((line) => line.startsWith('orchestrator_http_requests_total'))
    expect(lines.sort()).toEqual([
      'orchestrator_http_requests_total{route="/v1/chat/completions",status="200"} 1',
      'orchestrator_http_requests_total{route="/v1/chat/completions",status="400"} 1',
      'orchestrator_http_requests_total{route="unmatched",status="404"} 1',
    ])
  })

  test('the log has ids, a digest and an outcome, and neither the session nor the prompt nor a key', async () => {
    const lines: object[] = []
    const write = (fields: object): number => lines.push(fields)
    const logger = { debug: write, info: write, warn: write, error: write, child: () => logger }
    const { post } = await serve(answering, { logger, apiKey: 'sesame' })
    const authorization = 'Bearer sesame'
    await (
      await post(
        { messages: [{ role: 'user', content: 'the prompt' }] },
        { authorization, 'x-request-id': 'r1', 'x-session-id': 'ann' },
      )
    ).text()
    await (
      await post({ messages: [{ role: 'the prompt', content: 'the prompt' }] }, { authorization, 'x-request-id': 'r2' })
    ).text()
    await (await post({}, { authorization: 'Bearer sesam', 'x-request-id': 'r3' })).text()
    expect(lines).toMatchObject([
      { request: 'r1', session: sessionDigest('ann'), status: 200, outcome: 'completed' },
      { request: 'r2', status: 400, code: 'invalid_value', param: 'messages[0].role' },
      { request: 'r3', status: 401, code: 'invalid_api_key' },
    ])
    expect(JSON.stringify(lines)).not.toMatch(/prompt|ann|sesam/)
  })
})

test.each([
  [{ heartbeatMs: 1 }, 'heartbeatMs must be a number from 100 to 3600000, got 1'],
  [{ deadlineMs: 0 }, 'deadlineMs must be'],
  [{ limits: { bodyBytes: 0 } }, 'limits.bodyBytes must be a whole number from 1 to 1073741824, got 0'],
  [{ limits: { bodyByte: 1 } }, 'unknown option "bodyByte"'],
  [{ port: 1 }, 'unknown option "port"'],
])('options that are wrong are named: %j', (options, message) => {
  const { running } = scriptedPipeline(answering)
  expect(() => createServer({ running, models, ...(options as object) })).toThrow(message)
})

test('closing lets a response finish and does not wait for a connection that says nothing', async () => {
  let release: () => void = () => undefined
  const released = new Promise<void>((resolve) => (release = resolve))
  const { server, port, post } = await serve(async function* () {
    yield [{ text: 'first' }]
    await released
    return undefined
  })
  await rawConnection(port)
  const response = await post({ ...hello, stream: true })
  const closed = server.close({ graceMs: 600_000 })
  release()
  expect(await response.text()).toContain('[DONE]')
  await closed
  await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow()
})
