import { z } from 'zod'
import { openAiPath } from '../openai-path.ts'
import { openAiErrorSchema, problemSchema } from './answers.ts'
import { type Operation, operations } from './operations.ts'

/** A route as it was registered. */
export interface RegisteredRoute {
  readonly method: string
  /** The framework's pattern, e.g. `'/v1/stream/:id'`. */
  readonly url: string
}

/** What a request without a key, with too many headers or on one connection too many gets on every route. */
const everywhere = [400, 431, 503]

/**
 * The OpenAPI document of these routes, whose bodies are described by the schemas that check them. `HEAD` goes
 * without saying wherever there is `GET`.
 *
 * @param keyed Whether a key is asked for.
 * @see https://spec.openapis.org/oas/v3.1.0
 */
export function openApiDocument(routes: readonly RegisteredRoute[], keyed: boolean): Readonly<Record<string, unknown>> {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const { method, url } of routes) {
    const operation = operations[`${method} ${url}`]
    if (operation === undefined) continue
    const path = url.replace('*', '{model}').replace(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [method.toLowerCase()]: described(path, operation, keyed) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Spillway',
      version: '1',
      description: "A staged pipeline for language models, behind OpenAI's API and its own.",
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    paths,
    components: {
      schemas: { OpenAiError: schemaOf(openAiErrorSchema, 'output'), Problem: schemaOf(problemSchema, 'output') },
      ...(keyed && { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } }),
    },
  }
}

function described(path: string, operation: Operation, keyed: boolean): object {
  const { summary, query, request, status = 200, answer, errors, open = false } = operation
  const asked = keyed && !open
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
  const parameters = [
    ...names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } })),
    ...(query === undefined ? [] : queryParameters(query)),
  ]
  const codes = [...new Set([...everywhere, ...errors, ...(open ? [] : [keyed ? 401 : 403])])].sort()
  const content = {
    ...(answer.json !== undefined && { 'application/json': { schema: schemaOf(answer.json, 'output') } }),
    ...(answer.text !== undefined && { [answer.text]: {} }),
  }
  return {
    summary,
    ...(parameters.length > 0 && { parameters }),
    ...(request !== undefined && {
      requestBody: {
        required: true,
        content: { 'application/json': { schema: schemaOf(request.schema, 'input'), example: request.example } },
      },
    }),
    responses: {
      [status]: { description: answer.says, headers: requestId, ...(Object.keys(content).length > 0 && { content }) },
      ...Object.fromEntries(codes.map((code) => [code, failure(path, code)])),
    },
    ...(asked && { security: [{ key: [] }] }),
  }
}

const requestId = {
  'x-request-id': { description: "The request's id, the client's own if it gave one", schema: { type: 'string' } },
}

function failure(path: string, code: number): object {
  const [type, name] = openAiPath.test(path)
    ? ['application/json', 'OpenAiError']
    : ['application/problem+json', 'Problem']
  return {
    description: failures[code] ?? 'It failed',
    headers: {
      ...requestId,
      ...((code === 429 || code === 503) && {
        'retry-after': { description: 'Seconds after which it is worth trying again', schema: { type: 'integer' } },
        'retry-after-ms': { description: 'The same in milliseconds', schema: { type: 'integer' } },
      }),
    },
    content: { [type]: { schema: { $ref: `#/components/schemas/${name}` } } },
  }
}

const failures: Readonly<Record<number, string>> = {
  400: 'What was sent is wrong; the field is named',
  401: 'No API key, or not one of the server',
  403: 'Not by this host, or not for pages of this origin',
  404: 'There is no such thing',
  408: 'The body was not sent in time',
  409: 'It is taken or in use',
  410: 'What is asked for is no longer kept',
  413: 'The body is too large',
  415: 'The body is not JSON in UTF-8, or is compressed',
  426: 'An upgrade to a WebSocket is required',
  429: 'Shed: the server is overloaded',
  431: 'The headers are too large, or too many',
  500: 'A stage failed',
  502: "The model's server failed",
  503: 'Draining, a stage or the model is down, or too many connections',
  504: "The deadline or a stage's time has passed",
}

function queryParameters(query: z.ZodType): readonly object[] {
  const { properties = {} } = schemaOf(query, 'input') as { readonly properties?: Readonly<Record<string, object>> }
  return Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', schema }))
}

/** A schema as OpenAPI 3.1 has it, which is JSON Schema of 2020-12. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output'): object {
  const described = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
  // OpenAPI 3.1 says for the whole document which JSON Schema it is.
  delete described.$schema
  return described
}
