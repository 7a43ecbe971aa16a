import { checkFunction, checkInteger, checkKeys, checkOneOf, checkText, show } from '../../operators/index.ts'
import { abortable } from './abortable.ts'
import { checkModels } from './check-models.ts'
import { checkPrompt } from './check-prompt.ts'
import { GuardedStream } from './guarded-stream.ts'
import type {
  Completion,
  CompletionChunk,
  HealthStatus,
  InferOptions,
  ModelInfo,
  ModelWorker,
  Prompt,
} from './model-worker.ts'
import { messageOf } from '../message-of.ts'
import { CompletionParts } from './completion-parts.ts'

/** How an implementer is called: always with a signal, which also speaks when the reader leaves early. */
export interface WorkerCall {
  readonly signal: AbortSignal
}

/** What an implementer writes; one of `inferStream` and `infer` at least. The prompts have been checked. */
export interface WorkerDefinition {
  readonly info: ModelInfo
  /** Answers piece by piece; derived from `infer` as a single chunk. */
  readonly inferStream?: (prompt: Prompt, call: WorkerCall) => AsyncIterable<CompletionChunk>
  /** Answers in one piece; derived from `inferStream` by concatenation. */
  readonly infer?: (prompt: Prompt, call: WorkerCall) => Promise<Completion>
  /** Answers several prompts, in their order; derived by asking one by one, `batchConcurrency` at a time. */
  readonly inferBatch?: (prompts: readonly Prompt[], call: WorkerCall) => Promise<readonly Completion[]>
  /** Calls at the same time in a derived `inferBatch`, 1 … 1,024; default 4. */
  readonly batchConcurrency?: number
  /** Whether the model can be reached; what it throws is reported as unhealthy. Derived: always healthy. */
  readonly health?: (call: WorkerCall) => Promise<HealthStatus>
  /** Lets go of connections and memory; called once. Derived: nothing to do. */
  readonly close?: () => Promise<void>
}

const definitionKeys = ['info', 'inferStream', 'infer', 'inferBatch', 'batchConcurrency', 'health', 'close']
const capabilities: readonly ModelInfo['capabilities'][number][] = ['chat', 'stream']

/**
 * Makes a whole model worker from the part that its implementer wrote.
 *
 * Each call checks its prompt (`InvalidPromptError` naming the field), refuses a signal that is aborted already
 * without calling the implementer, and once the signal is aborted rejects at once with the signal's reason, even
 * if the implementer does not look at its own. What the implementer throws reaches the caller unchanged.
 *
 * @throws TypeError or RangeError naming the field of the definition that is wrong.
 *
 * @example
 * ```ts
 * const parrot = defineWorker({
 *   info: { id: 'parrot', provider: 'example', models: ['parrot'], capabilities: ['chat', 'stream'] },
 *   async *inferStream(prompt) {
 *     yield { text: prompt.messages.at(-1)?.content ?? '' }
 *     yield { text: '', finishReason: 'stop' }
 *   },
 * })
 * ```
 */
export function defineWorker(definition: WorkerDefinition): ModelWorker {
  const info = checkDefinition(definition)
  const { batchConcurrency = 4 } = definition
  let closed: Promise<void> | undefined

  const inferStream = (prompt: Prompt, options: InferOptions = {}): AsyncIterable<CompletionChunk> =>
    new GuardedStream((signal) => {
      checkPrompt(prompt, info.models)
      return definition.inferStream?.(prompt, { signal }) ?? asStream(definition, prompt, signal)
    }, options.signal)

  const infer = async (prompt: Prompt, options: InferOptions = {}): Promise<Completion> => {
    const whole = definition.infer
    if (whole === undefined) return collect(inferStream(prompt, options))
    checkPrompt(prompt, info.models)
    return abortable(async (signal) => whole(prompt, { signal }), options.signal)
  }

  const inferBatch = async (prompts: readonly Prompt[], options: InferOptions = {}): Promise<readonly Completion[]> => {
    for (const [index, prompt] of prompts.entries()) checkPrompt(prompt, info.models, `prompts[${index}]`)
    const batch = definition.inferBatch
    return abortable(
      async (signal) => (batch === undefined ? oneByOne(prompts, signal) : batch(prompts, { signal })),
      options.signal,
    )
  }

  const oneByOne = async (prompts: readonly Prompt[], signal: AbortSignal): Promise<readonly Completion[]> => {
    const completions: Completion[] = []
    const siblings = new AbortController()
    const giveUp = (): void => {
      siblings.abort(signal.reason)
    }
    signal.addEventListener('abort', giveUp, { once: true })
    // The lanes share one iterator, so that each takes the next prompt when it has answered one.
    const queue = prompts.entries()
    const lane = async (): Promise<void> => {
      for (const [index, prompt] of queue) completions[index] = await infer(prompt, { signal: siblings.signal })
    }
    try {
      await Promise.all(Array.from({ length: Math.min(batchConcurrency, prompts.length) }, lane))
    } catch (error) {
      // A batch that has failed pays for nothing more.
      siblings.abort(error)
      throw error
    } finally {
      signal.removeEventListener('abort', giveUp)
    }
    return completions
  }

  return {
    info,
    infer,
    inferStream,
    inferBatch,
    async health(options = {}): Promise<HealthStatus> {
      const check = definition.health
      if (check === undefined) return { healthy: true, latencyMs: 0 }
      try {
        return await abortable(async (signal) => check({ signal }), options.signal)
      } catch (error) {
        return { healthy: false, reason: messageOf(error) }
      }
    },
    close: () => (closed ??= Promise.resolve(definition.close?.())),
  }
}

async function* asStream(
  definition: WorkerDefinition,
  prompt: Prompt,
  signal: AbortSignal,
): AsyncGenerator<CompletionChunk> {
  const completion = await definition.infer?.(prompt, { signal })
  if (completion !== undefined) yield completion
}

async function collect(chunks: AsyncIterable<CompletionChunk>): Promise<Completion> {
  const parts = new CompletionParts()
  for await (const chunk of chunks) parts.add(chunk)
  return parts.completion
}

function checkDefinition(definition: WorkerDefinition): ModelInfo {
  checkKeys('defineWorker', definition, definitionKeys)
  for (const name of ['inferStream', 'infer', 'inferBatch', 'health', 'close'] as const) {
    if (definition[name] !== undefined) checkFunction(name, definition[name])
  }
  if (definition.inferStream === undefined && definition.infer === undefined) {
    throw new TypeError('defineWorker: one of inferStream and infer must be given, got neither')
  }
  if (definition.batchConcurrency !== undefined) {
    checkInteger('batchConcurrency', definition.batchConcurrency, { min: 1, max: 1024 })
  }
  return checkInfo(definition.info)
}

function checkInfo(info: ModelInfo): ModelInfo {
  checkKeys('info', info, ['id', 'provider', 'models', 'contextWindow', 'capabilities'])
  checkText('info.id', info.id)
  checkText('info.provider', info.provider)
  const models = checkModels('info.models', info.models)
  if (info.contextWindow !== undefined) checkInteger('info.contextWindow', info.contextWindow, { min: 1 })
  if (!Array.isArray(info.capabilities)) {
    throw new TypeError(`info.capabilities must be an array, got ${show(info.capabilities)}`)
  }
  for (const [index, capability] of info.capabilities.entries()) {
    checkOneOf(`info.capabilities[${index}]`, capability, capabilities)
  }
  return Object.freeze({ ...info, models })
}
