import { messageOf } from '../../operators/index.ts'
import { abortable } from './abortable.ts'
import { checkDefinition } from './check-definition.ts'
import { checkEmbedding } from './check-embedding.ts'
import { checkPrompt } from './check-prompt.ts'
import { checkTextPrompt } from './check-text-prompt.ts'
import { chunksOf } from './completion-chunks.ts'
import { CompletionParts } from './completion-parts.ts'
import type { EmbeddingRequest, Embeddings } from './embeddings.ts'
import { GuardedStream } from './guarded-stream.ts'
import type { Completion, CompletionChunk, HealthStatus, InferOptions, ModelWorker, Prompt } from './model-worker.ts'
import type { TextPrompt } from './text-prompt.ts'
import type { WorkerDefinition } from './worker-definition.ts'

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
  const { batchConcurrency = 4, completeStream, embed } = definition
  let closed: Promise<void> | undefined

  const inferStream = (prompt: Prompt, options: InferOptions = {}): AsyncIterable<CompletionChunk> =>
    new GuardedStream((signal) => {
      checkPrompt(prompt, info)
      return definition.inferStream?.(prompt, { signal }) ?? asStream(definition, prompt, signal)
    }, options.signal)

  const infer = async (prompt: Prompt, options: InferOptions = {}): Promise<Completion> => {
    const whole = definition.infer
    if (whole === undefined) return collect(inferStream(prompt, options))
    checkPrompt(prompt, info)
    return abortable(async (signal) => whole(prompt, { signal }), options.signal)
  }

  const inferBatch = async (prompts: readonly Prompt[], options: InferOptions = {}): Promise<readonly Completion[]> => {
    for (const [index, prompt] of prompts.entries()) checkPrompt(prompt, info, `prompts[${index}]`)
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
    ...(completeStream !== undefined && {
      completeStream: (prompt: TextPrompt, options: InferOptions = {}): AsyncIterable<CompletionChunk> =>
        new GuardedStream((signal) => {
          checkTextPrompt(prompt, info)
          return completeStream(prompt, { signal })
        }, options.signal),
    }),
    ...(embed !== undefined && {
      embed: async (request: EmbeddingRequest, options: InferOptions = {}): Promise<Embeddings> => {
        checkEmbedding(request, info)
        return abortable(async (signal) => embed(request, { signal }), options.signal)
      },
    }),
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
  if (completion !== undefined) yield* chunksOf(completion)
}

async function collect(chunks: AsyncIterable<CompletionChunk>): Promise<Completion> {
  const parts = new CompletionParts()
  for await (const chunk of chunks) parts.add(chunk)
  return parts.completion
}
