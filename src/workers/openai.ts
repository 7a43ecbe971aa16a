import type { OpenAI } from 'openai'
import { checkInteger, checkKeys, checkOneOf, checkText, type Clock, systemClock } from '../../operators/index.ts'
import { checkModels } from './check-models.ts'
import { defineWorker } from './define-worker.ts'
import type { HealthStatus, ModelWorker } from './model-worker.ts'
import { type OpenAiCaller, streamedCall, wholeCall } from './openai-call.ts'
import { chatChunks, textChunks } from './openai-chunk.ts'
import { checkEndpoint, connect, type OpenAiEndpoint } from './openai-endpoint.ts'
import { listModels } from './openai-models.ts'
import { canStream, chatBody, completionBody, embeddingBody, type MaxTokensField } from './openai-request.ts'
import { vectorsIn } from './openai-vectors.ts'

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
 * Tools, formats, choices and probabilities, text completions and embeddings pass through as they are. It streams
 * where it can, retries nothing, and closes the connection when a call is aborted or its reader leaves. A call
 * fails with `WorkerError`, which has the server's status and words and never the key; an answer that is
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
  const caller: OpenAiCaller = { id, endpoint, client, timeoutMs, clock }

  return defineWorker({
    info: {
      id,
      provider: 'openai',
      models,
      // What a model cannot do, its server says.
      capabilities: ['chat', 'stream', 'tools', 'choices', 'logprobs', 'json', 'completions', 'embeddings'],
      ...(contextWindow !== undefined && { contextWindow }),
    },
    inferStream(prompt, { signal }) {
      const body = chatBody(prompt, prompt.model ?? defaultModel, maxTokensField)
      const choices = prompt.parameters?.n ?? 1
      return streamedCall(caller, { path: '/chat/completions', body, signal }, (frame) => chatChunks(frame, choices))
    },
    async *completeStream(prompt, { signal }) {
      const call = { path: '/completions', body: completionBody(prompt, prompt.model ?? defaultModel), signal }
      const choices = prompt.prompts.length * (prompt.parameters?.n ?? 1)
      if (canStream(prompt)) yield* streamedCall(caller, call, (frame) => textChunks(frame, choices))
      else yield* textChunks(await wholeCall(caller, call), choices)
    },
    async embed(request, { signal }) {
      const body = embeddingBody(request, request.model ?? defaultModel)
      const answer = await wholeCall(caller, { path: '/embeddings', body, signal })
      return vectorsIn({ id, baseUrl: endpoint.baseUrl }, answer, request.input.length)
    },
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
