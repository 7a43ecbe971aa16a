import type { OpenAI } from 'openai'
import { checkClock, checkInteger, checkKeys, checkText, type Clock, systemClock } from '../../operators/index.ts'
import type { Embedder } from '../retrieval/embedder.ts'
import { abortable } from './abortable.ts'
import { checkEndpoint, connect, type OpenAiEndpoint } from './openai-endpoint.ts'
import { openAiFailure } from './openai-failure.ts'
import { vectorsIn } from './openai-vectors.ts'
import { WorkerError } from './worker-error.ts'

/** Which model, where it is, and how much is asked of it at a time. */
export interface OpenAiEmbedderOptions extends OpenAiEndpoint {
  readonly model: string
  /** How many numbers a vector has, 1 … 65,536, for models that can choose; default: the model's own. */
  readonly dimensions?: number
  /** Texts of one call, 1 … 2,048; default 64. */
  readonly batchSize?: number
  /** How long one call may take, 1 … 600,000 ms; default 60,000. */
  readonly timeoutMs?: number
  /** Default: the machine's clock. */
  readonly clock?: Clock
}

const id = 'openai-embedder'

/**
 * An embedder for every server with OpenAI's `/embeddings`: OpenAI, Ollama, vLLM, llama.cpp's server and others.
 *
 * Texts go out in batches, one after the other. Its errors are `WorkerError`s that name the endpoint; nothing is
 * retried.
 *
 * @example
 * ```ts
 * const embedder = openaiEmbedder({ baseUrl: 'http://127.0.0.1:11434/v1', model: 'nomic-embed-text' })
 * const retriever = createSqliteRetriever({ path: 'handbook.db', embedder })
 * ```
 *
 * @throws RangeError or TypeError for a bad option.
 */
export function openaiEmbedder(options: OpenAiEmbedderOptions): Embedder {
  checkKeys('openaiEmbedder', options, ['baseUrl', 'apiKey', 'model', 'dimensions', 'batchSize', 'timeoutMs', 'clock'])
  checkEndpoint(options)
  const { model, dimensions, batchSize = 64, timeoutMs = 60_000 } = options
  checkText('model', model)
  if (dimensions !== undefined) checkInteger('dimensions', dimensions, { min: 1, max: 65_536 })
  checkInteger('batchSize', batchSize, { min: 1, max: 2_048 })
  checkInteger('timeoutMs', timeoutMs, { min: 1, max: 600_000 })
  const clock = checkClock('clock', options.clock ?? systemClock)
  let client: Promise<OpenAI> | undefined

  const embedBatch = async (input: readonly string[], signal: AbortSignal): Promise<readonly Float32Array[]> => {
    const body = { model, input, encoding_format: 'float', ...(dimensions !== undefined && { dimensions }) }
    client ??= connect(options)
    const answer = await (await client).post<unknown>('/embeddings', { body, signal })
    const { vectors } = vectorsIn({ id, baseUrl: options.baseUrl }, answer, input.length)
    return vectors.map((vector) => Float32Array.from(vector))
  }

  return {
    // Vectors of another length are of another space.
    model: dimensions === undefined ? model : `${model}@${dimensions}`,
    async embed(texts, { signal } = {}) {
      const vectors: Float32Array[] = []
      for (let start = 0; start < texts.length; start += batchSize) {
        const batch = texts.slice(start, start + batchSize)
        vectors.push(...(await inTime((call) => embedBatch(batch, call), signal)))
      }
      return vectors
    },
  }

  async function inTime<T>(work: (signal: AbortSignal) => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const call = new AbortController()
    const timer = clock.setTimeout(() => {
      call.abort(new WorkerError(id, `no vectors from ${options.baseUrl} within ${timeoutMs} ms`))
    }, timeoutMs)
    const onAbort = (): void => {
      call.abort(signal?.reason)
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      signal?.throwIfAborted()
      return await abortable(work, call.signal)
    } catch (error) {
      if (call.signal.aborted) throw call.signal.reason
      signal?.throwIfAborted()
      throw openAiFailure(id, options, error)
    } finally {
      clock.clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
  }
}
