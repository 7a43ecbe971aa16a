import type { OpenAI } from 'openai'
import { checkText, show } from '../../operators/index.ts'
import { watchEnding } from './watch-ending.ts'

/** Where a server that speaks OpenAI's API is, and how to be let in. */
export interface OpenAiEndpoint {
  /** Up to and with the version, e.g. `'http://127.0.0.1:11434/v1'`. */
  readonly baseUrl: string
  /** Sent as the bearer token; absent for a local server that asks for none. */
  readonly apiKey?: string
}

/** Checks `baseUrl` and `apiKey`; the messages never hold the key. */
export function checkEndpoint(endpoint: OpenAiEndpoint): void {
  const { baseUrl, apiKey } = endpoint
  checkText('baseUrl', baseUrl)
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    throw new RangeError(`baseUrl must be an http or https URL, got ${show(baseUrl)}`)
  }
  if (url.username !== '' || url.password !== '') throw new RangeError('baseUrl must not hold credentials; pass apiKey')
  if (apiKey === undefined) return
  if (typeof apiKey !== 'string') throw new TypeError('apiKey must be a string')
  // A key that cannot stand in a header would fail in every call, with a message that quotes it.
  if (!/^[\x21-\x7e]+$/.test(apiKey)) throw new RangeError('apiKey must be one or more printable ASCII characters')
}

/**
 * The official client for an endpoint. It retries nothing (retrying is the pipeline's), logs nothing, waits
 * without end (time-outs are the worker's) and takes nothing from the environment.
 */
export async function connect(endpoint: OpenAiEndpoint): Promise<OpenAI> {
  // Loaded by the first call: it takes a tenth of a second, and most of who imports the workers never calls it.
  const { OpenAI } = await import('openai')
  return new OpenAI({
    baseURL: endpoint.baseUrl,
    // The client insists on a key; `fetch` below sends the real one or none.
    apiKey: 'unused',
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    logLevel: 'off',
    maxRetries: 0,
    timeout: 2 ** 31 - 1,
    fetch: async (url, init) =>
      // The client adds headers that it finds in the environment, so that none of its own are sent.
      watchEnding(await fetch(url, { ...init, headers: headersFor(endpoint, init?.body !== undefined) })),
  })
}

function headersFor({ apiKey }: OpenAiEndpoint, hasBody: boolean): Record<string, string> {
  return {
    accept: 'application/json, text/event-stream',
    ...(hasBody && { 'content-type': 'application/json' }),
    ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
  }
}
