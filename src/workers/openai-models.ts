import type { OpenAI } from 'openai'
import { checkInteger, checkKeys, type Clock, systemClock } from '../../operators/index.ts'
import { checkEndpoint, connect, type OpenAiEndpoint } from './openai-endpoint.ts'
import { openAiFailure } from './openai-failure.ts'
import { WorkerError } from './worker-error.ts'

/** How to ask an endpoint for its models. */
export interface DiscoverModelsOptions extends OpenAiEndpoint {
  /** Milliseconds to wait for the list, 1 … 300,000; default 5,000. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
  /** Default: the machine's clock. */
  readonly clock?: Clock
}

/**
 * The names of the models that an endpoint serves, by `GET /models`, in its order; empty where it has no such list.
 *
 * @throws WorkerError when the endpoint cannot be reached, refuses, or takes longer than `timeoutMs`.
 *
 * @example
 * ```ts
 * const models = await discoverModels({ baseUrl: 'http://127.0.0.1:11434/v1' })
 * const worker = openai({ baseUrl: 'http://127.0.0.1:11434/v1', models })
 * ```
 */
export async function discoverModels(options: DiscoverModelsOptions): Promise<readonly string[]> {
  checkKeys('discoverModels', options, ['baseUrl', 'apiKey', 'timeoutMs', 'signal', 'clock'])
  checkEndpoint(options)
  const { timeoutMs = 5000, clock = systemClock, signal } = options
  checkInteger('timeoutMs', timeoutMs, { min: 1, max: 300_000 })
  signal?.throwIfAborted()
  return listModels('openai', await connect(options), options, { timeoutMs, clock, signal })
}

/** As `discoverModels`, with a client that is there already. */
export async function listModels(
  id: string,
  client: OpenAI,
  endpoint: OpenAiEndpoint,
  limits: { readonly timeoutMs: number; readonly clock: Clock; readonly signal: AbortSignal | undefined },
): Promise<readonly string[]> {
  const { timeoutMs, clock, signal } = limits
  const call = new AbortController()
  const onAbort = (): void => {
    call.abort(signal?.reason)
  }
  signal?.addEventListener('abort', onAbort, { once: true })
  const timer = clock.setTimeout(() => {
    call.abort(new WorkerError(id, `no list of models from ${endpoint.baseUrl} within ${timeoutMs} ms`))
  }, timeoutMs)
  try {
    return namesIn(await client.get<unknown>('/models', { signal: call.signal }))
  } catch (error) {
    if (call.signal.aborted) throw call.signal.reason
    const failure = openAiFailure(id, endpoint, error)
    // Servers that serve one model may have no list; they answered all the same.
    if (failure.status === 404 || failure.status === 405) return []
    throw failure
  } finally {
    clock.clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
  }
}

function namesIn(body: unknown): readonly string[] {
  const data = typeof body === 'object' && body !== null && 'data' in body ? body.data : undefined
  if (!Array.isArray(data)) return []
  return data.flatMap((model: unknown) => {
    const id = typeof model === 'object' && model !== null && 'id' in model ? model.id : undefined
    return typeof id === 'string' && id !== '' ? [id] : []
  })
}
