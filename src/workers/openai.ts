import type { OpenAI } from 'openai'
import { checkInteger, checkKeys, checkOneOf, checkText, type Clock, systemClock } from '../../operators/index.ts'
import { checkModels } from './check-models.ts'
import { defineWorker } from './define-worker.ts'
import type { WorkerCall } from './worker-definition.ts'
import type { CompletionChunk, HealthStatus, ModelWorker, Prompt } from './model-worker.ts'
import { checkEndpoint, connect, type OpenAiEndpoint } from './openai-endpoint.ts'
import { openAiFailure } from './openai-failure.ts'
import { listModels } from './openai-models.ts'
import { fromWireChunk, type MaxTokensField, toRequestBody } from './openai-wire.ts'
import { endedProperly } from './watch-ending.ts'
import { WorkerError } from './worker-error.ts'

/** A server that speaks OpenAI's API, and which of its models to ask. */
export interface OpenAiOptions extends OpenAiEndpoint {
  /** The only model; give this or `models`. */
  readonly model?: string
  /** The models that may be asked for, the default first; give this or `model`. */
  readonly models?: readonly string[]
  /** The worker's name; default `'openai'`. */
  readonly id?: string
  /** Prompt and answer together, in tokens, where it is known. */
  readonly contextWindow?: number
  /**
   * Milliseconds that the server may be silent before the first chunk and between two, 1 … 300,000; default
   * 120,000. The time that the reader takes does not count.
   */
  readonly timeoutMs?: number
  /** Milliseconds that `health()` waits for an answer, 1 … 300,000; default 5,000. */
  readonly healthTimeoutMs?: number
  /** The name under which `maxTokens` is sent; default `'max_tokens'`, which OpenAI's reasoning models refuse. */
  readonly maxTokensField?: MaxTokensField
  /** Default: the machine's clock. */
  readonly clock?: Clock
}

const optionKeys = [
  'baseUrl',
  'apiKey',
  'model',
  'models',
  'id',
  'contextWindow',
  'timeoutMs',
  'healthTimeoutMs',
  'maxTokensField',
  'clock',
]
const longestMs = 300_000

/**
 * A worker for the models behind an OpenAI-compatible server: OpenAI, vLLM, llama.cpp's server, Ollama and others.
 *
 * It streams always, retries nothing, and closes the connection when a call is aborted or its reader leaves. A
 * call fails with `WorkerError`, which has the server's status and words and never the key; an answer that is
 * broken off is a failure too, not a short answer. Nothing is read from the environment.
 *
 * @throws TypeError or RangeError naming the option that is wrong.
 *
 * @example
 * ```ts
 * const worker = openai({ baseUrl: 'http://127.0.0.1:11434/v1', model: 'llama3.2' })
 * for await (const chunk of worker.inferStream(prompt, { signal })) process.stdout.write(chunk.text)
 * ```
 */
export function openai(options: OpenAiOptions): ModelWorker {
  const { models, id, timeoutMs, healthTimeoutMs, maxTokensField, clock, contextWindow } = checkOptions(options)
  const [defaultModel = ''] = models
  const endpoint: OpenAiEndpoint = options
  let connecting: Promise<OpenAI> | undefined
  const client = (): Promise<OpenAI> => (connecting ??= connect(endpoint))

  async function* inferStream(prompt: Prompt, { signal }: WorkerCall): AsyncGenerator<CompletionChunk> {
    const call = new AbortController()
    // The signal is this call's own and ends with it: nothing is left to remove.
    signal.addEventListener('abort', () => {
      call.abort(signal.reason)
    })
    const awaitServer = (): unknown =>
      clock.setTimeout(() => {
        call.abort(new WorkerError(id, `${endpoint.baseUrl} was silent for ${timeoutMs} ms`))
      }, timeoutMs)
    const body = toRequestBody(prompt, prompt.model ?? defaultModel, maxTokensField)
    let timer: unknown
    let finished = false
    try {
      const { chat } = await client()
      timer = awaitServer()
      const { data: stream, response } = await chat.completions.create(body, { signal: call.signal }).withResponse()
      for await (const wire of stream) {
        clock.clearTimeout(timer)
        const chunk = fromWireChunk(wire)
        finished ||= chunk?.finishReason !== undefined
        if (chunk !== undefined) yield chunk
        timer = awaitServer()
      }
      // The official client ends an aborted stream, too, as if it were complete.
      if (finished) return
      if (!endedProperly(response)) throw new WorkerError(id, 'the answer was broken off: the connection ended in it')
      yield { text: '', finishReason: 'stop' }
    } catch (error) {
      throw call.signal.aborted ? call.signal.reason : openAiFailure(id, endpoint, error)
    } finally {
      clock.clearTimeout(timer)
    }
  }

  return defineWorker({
    info: {
      id,
      provider: 'openai',
      models,
      capabilities: ['chat', 'stream'],
      ...(contextWindow !== undefined && { contextWindow }),
    },
    inferStream,
    async health({ signal }): Promise<HealthStatus> {
      const from = clock.now()
      await listModels(id, await client(), endpoint, { timeoutMs: healthTimeoutMs, clock, signal })
      return { healthy: true, latencyMs: clock.now() - from }
    },
  })
}

function checkOptions(options: OpenAiOptions): {
  readonly models: readonly string[]
  readonly id: string
  readonly contextWindow: number | undefined
  readonly timeoutMs: number
  readonly healthTimeoutMs: number
  readonly maxTokensField: MaxTokensField
  readonly clock: Clock
} {
  checkKeys('openai', options, optionKeys)
  checkEndpoint(options)
  const { model, models, contextWindow } = options
  if ((model === undefined) === (models === undefined)) {
    throw new TypeError(`openai: give either model or models, got ${model === undefined ? 'neither' : 'both'}`)
  }
  if (contextWindow !== undefined) checkInteger('contextWindow', contextWindow, { min: 1 })
  return {
    models: model === undefined ? checkModels('models', models) : [checkText('model', model)],
    contextWindow,
    id: checkText('id', options.id ?? 'openai'),
    timeoutMs: checkInteger('timeoutMs', options.timeoutMs ?? 120_000, { min: 1, max: longestMs }),
    healthTimeoutMs: checkInteger('healthTimeoutMs', options.healthTimeoutMs ?? 5000, { min: 1, max: longestMs }),
    maxTokensField: checkOneOf('maxTokensField', options.maxTokensField ?? 'max_tokens', [
      'max_tokens',
      'max_completion_tokens',
    ]),
    clock: options.clock ?? systemClock,
  }
}
