import diagnostics from 'node:diagnostics_channel'
import { readFile } from 'node:fs/promises'
import { Validator } from '@seriousme/openapi-schema-validator'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  chatChunkSchema,
  chatCompletionSchema,
  modelListSchema,
  modelSchema,
  openAiErrorSchema,
  pipelineSchema,
  problemSchema,
  statusSchema,
  welcomeSchema,
} from '../../../../src/server/openapi/answers.ts'
import { openApiDocument } from '../../../../src/server/openapi/document.ts'
import { operations } from '../../../../src/server/openapi/operations.ts'
import { type OpenServer, startOpenServer } from '../../../integration/open-server.ts'

interface Body {
  readonly content: { readonly 'application/json': { readonly schema: z.core.JSONSchema.JSONSchema } }
}

const key = 'secret'
const registered: string[] = []
let server: OpenServer
let url: string
let document: {
  readonly paths: Record<
    string,
    Record<string, { readonly security?: unknown; readonly responses: object; readonly requestBody?: Body }>
  >
}

function listen(message: unknown): void {
  const { fastify } = message as { readonly fastify: FastifyInstance }
  fastify.addHook('onRoute', ({ method, url }) => {
    for (const name of Array.isArray(method) ? method : [method]) registered.push(`${name} ${url}`)
  })
}

beforeAll(async () => {
  diagnostics.subscribe('fastify.initialization', listen)
  server = await startOpenServer({ apiKey: key })
  diagnostics.unsubscribe('fastify.initialization', listen)
  url = `http://127.0.0.1:${server.port}`
  document = (await get('/openapi.json')) as typeof document
})
afterAll(() => server.close())

async function get(path: string, body?: object): Promise<unknown> {
  return (await call(path, body)).json()
}

function call(path: string, body?: object, shown = key): Promise<Response> {
  return fetch(url + path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${shown}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
}

test('the document is valid OpenAPI 3.1', async () => {
  const result = await new Validator().validate(structuredClone(document))
  expect(result.errors).toBeUndefined()
  expect(result.valid).toBe(true)
  expect(document).toMatchObject({ openapi: '3.1.0' })
})

test('every route is in the document, and nothing else', () => {
  const routes = registered.filter((route) => !route.startsWith('HEAD ')).sort()
  expect(routes.length).toBeGreaterThan(5)
  expect(routes).toEqual(Object.keys(operations).sort())
  const described = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  )
  const patterns = routes.map((route) => route.replace('*', '{model}').replace(/:(\w+)/, '{$1}'))
  expect(described.sort()).toEqual(patterns.sort())
})

test('a key is asked for by all routes but health, and the document says so', async () => {
  for (const [path, methods] of Object.entries(document.paths)) {
    const open = path === '/healthz' || path === '/readyz'
    for (const { security, responses } of Object.values(methods)) {
      expect([path, security]).toEqual([path, open ? undefined : [{ key: [] }]])
      expect(Object.hasOwn(responses, '401')).toBe(!open)
    }
    if (methods['get'] !== undefined && !open) expect((await call(path, undefined, 'wrong')).status).toBe(401)
  }
})

test('without a key all routes but health may refuse the host, and the document says so', () => {
  const { paths } = openApiDocument(
    Object.keys(operations).map((route) => ({ method: route.split(' ')[0] ?? '', url: route.split(' ')[1] ?? '' })),
    false,
  ) as typeof document
  for (const [path, methods] of Object.entries(paths)) {
    const open = path === '/healthz' || path === '/readyz'
    for (const { security, responses } of Object.values(methods)) {
      expect([path, security, Object.hasOwn(responses, '403')]).toEqual([path, undefined, !open])
      expect(Object.hasOwn(responses, '401')).toBe(false)
    }
  }
})

test('what no key, and no upgrade to a WebSocket, get at /v1/stream stands in the document', async () => {
  const { get = { responses: {} }, post = { responses: {} } } = document.paths['/v1/stream'] ?? {}
  for (const [shown, status] of [
    ['wrong', '401'],
    [key, '426'],
  ] as const) {
    expect(String((await call('/v1/stream', undefined, shown)).status)).toBe(status)
    expect(Object.keys(get.responses)).toContain(status)
  }
  expect(Object.keys(post.responses)).toContain('401')
})

describe('real answers fit what the document says of them', () => {
  const question = { messages: [{ role: 'user', content: 'How deep is the reservoir?' }] }
  test.each([
    ['/', welcomeSchema, undefined],
    ['/v1/models', modelListSchema, undefined],
    ['/v1/models/echo', modelSchema, undefined],
    ['/v1/models/none', openAiErrorSchema, undefined],
    ['/v1/pipeline', pipelineSchema, undefined],
    ['/healthz', statusSchema, undefined],
    ['/readyz', statusSchema, undefined],
    ['/nowhere', problemSchema, undefined],
    ['/v1/chat/completions', chatCompletionSchema, question],
    ['/v1/chat/completions', openAiErrorSchema, { messages: [] }],
  ] as const)('%s', async (path, schema, body) => {
    const result = schema.safeParse(await get(path, body))
    expect(result.error).toBeUndefined()
  })

  test('the chunks of a streamed answer', async () => {
    const response = await call('/v1/chat/completions', {
      ...question,
      stream: true,
      stream_options: { include_usage: true },
    })
    const events = (await response.text()).trimEnd().split('\n\n')
    expect(events.length).toBeGreaterThan(3)
    expect(events.at(-1)).toBe('data: [DONE]')
    for (const event of events.slice(0, -1)) {
      expect(chatChunkSchema.safeParse(JSON.parse(event.slice('data: '.length))).error).toBeUndefined()
    }
  })
})

test('the examples are accepted by the server', async () => {
  for (const [route, { request }] of Object.entries(operations)) {
    if (request === undefined) continue
    const response = await call(route.split(' ')[1] ?? '', request.example as object)
    const text = await response.text()
    // Bare texts and vectors are for workers that make them, which the echo model does not.
    if (response.status === 404) expect([route, text]).toEqual([route, expect.stringContaining('not_supported')])
    else expect([route, response.status]).toEqual([route, 200])
  }
})

test("the README's requests fit what the document says of them, and are accepted", async () => {
  const readme = await readFile(new URL('../../../../README.md', import.meta.url), 'utf8')
  const requests = [...readme.matchAll(/curl \S+?(\/v1\/\S+)[^']*'content-type: application\/json'[^']*'(\{.*?\})'/gs)]
  expect(requests.map(([, path]) => path)).toEqual(['/v1/chat/completions', '/v1/stream'])
  for (const [, path = '', text = ''] of requests) {
    const { schema } = document.paths[path]!['post']!.requestBody!.content['application/json']
    const body = JSON.parse(text) as object
    expect(z.fromJSONSchema(schema).safeParse(body).error).toBeUndefined()
    expect(z.fromJSONSchema(schema).safeParse({ ...body, messages: [{ role: 'user', content: 7 }] }).success).toBe(
      false,
    )
    const response = await call(path, body)
    expect([path, response.status]).toEqual([path, 200])
    await response.text()
  }
})
