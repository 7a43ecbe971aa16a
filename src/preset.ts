import type { Observable } from 'rxjs'
import { checkInteger, checkKeys } from '../operators/index.ts'
import type { Handler } from './handler.ts'
import { type Pipeline, pipeline } from './pipeline/pipeline.ts'
import { priorityOf, type PromptRequest } from './prompt-request.ts'
import { redact } from './redaction/redact.ts'
import { redactRefusals } from './redaction/redact-refusals.ts'
import type { RedactionOptions } from './redaction/redaction-options.ts'
import type { RetrievedPrompt } from './retrieval/retrieved-prompt.ts'
import type { Retriever } from './retrieval/retriever.ts'
import { assemble } from './stages/assemble.ts'
import type { ChunkFilter } from './stages/chunk-filter.ts'
import { checkRequest } from './stages/check-request.ts'
import { infer } from './stages/infer.ts'
import { post } from './stages/post.ts'
import { retrieve, type RetrieveOptions } from './stages/retrieve.ts'
import type { Spotlight } from './stages/spotlight.ts'
import { stream } from './stages/stream.ts'
import type { DeadLetterKind } from './stores/index.ts'
import type { PromptTemplate } from './template/prompt-template.ts'
import type { CompletionChunk, ModelWorker } from './workers/model-worker.ts'

/** What the five stages are made of. */
export interface ChatPipelineOptions {
  /** The model that answers. */
  readonly worker: ModelWorker
  /** Where passages are looked for; default: nowhere, the prompt is the conversation alone. */
  readonly retriever?: Pick<Retriever, 'search'>
  /** How many passages go into a prompt at the most, 1 … 100; default 4. */
  readonly topK?: number
  /** Only documents whose metadata is like this, for all requests or by the request; default: all. */
  readonly retrievalFilter?: RetrieveOptions['filter']
  /** A Jinja template for the leading system message, or an object that can be replaced; default: that of `assemble`. */
  readonly template?: string | PromptTemplate
  /** Who the model is and how it should answer; default: that of `assemble`. */
  readonly system?: string
  /** How passages are kept apart from what the model is told: `'delimit'`, the default, `'mark'` or `'off'`. */
  readonly spotlight?: Spotlight
  /** The most tokens that a prompt may have, 1 or more; default: what the worker's `contextWindow` leaves, if it is known. */
  readonly maxPromptTokens?: number
  /** How many tokens a text has; default: an estimate, a few percent off. */
  readonly countTokens?: (text: string) => number
  /** Texts that end every answer, beside those that a request names; default none. */
  readonly stop?: readonly string[]
  /** What every answer goes through, in this order; default nothing. */
  readonly filters?: readonly ChunkFilter[]
  /** Takes personal data out of the answers, after `filters`, and of the model's refusals; default: it stays. */
  readonly redact?: RedactionOptions
  /** Answers that the model gives at the same time, 1 or more; default 16. */
  readonly inferenceConcurrency?: number
  /** Milliseconds that the model may take to its first chunk, 1 or more; default 60,000. */
  readonly inferenceTimeoutMs?: number
  /**
   * The ends of requests that are kept as dead letters, at whichever stage: `'shed'`, `'failed'`, `'expired'`; default
   * none. The pipeline must then be started with `deadLetters`.
   */
  readonly deadLetter?: readonly DeadLetterKind[]
}

/** The stages of the preset, in their order. */
export type ChatStage = 'rag' | 'assemble' | 'inference' | 'post' | 'stream'

const optionKeys = [
  'worker',
  'retriever',
  'topK',
  'retrievalFilter',
  'template',
  'system',
  'spotlight',
  'maxPromptTokens',
  'countTokens',
  'stop',
  'filters',
  'redact',
  'inferenceConcurrency',
  'inferenceTimeoutMs',
  'deadLetter',
] as const satisfies readonly (keyof ChatPipelineOptions)[]

/**
 * The preset: retrieval, assembly, inference, post-processing and streaming, with channels sized for it.
 *
 * @example
 * ```ts
 * const running = chatPipeline({ worker: echo() }).start()
 * for await (const { text } of running.submit({ input: 'hello' })) process.stdout.write(text)
 * ```
 *
 * @throws TypeError or RangeError naming the option that is wrong.
 */
export function chatPipeline(
  options: ChatPipelineOptions,
): Pipeline<PromptRequest, Observable<CompletionChunk>, ChatStage> {
  checkKeys('chatPipeline', options, optionKeys)
  const { worker, retriever, topK, retrievalFilter, stop } = options
  const { template, system, spotlight, maxPromptTokens, countTokens } = options
  const { inferenceConcurrency = 16, inferenceTimeoutMs = 60_000 } = options
  checkInteger('inferenceConcurrency', inferenceConcurrency, { min: 1 })
  checkInteger('inferenceTimeoutMs', inferenceTimeoutMs, { min: 1 })
  const searched = {
    ...(topK !== undefined && { topK }),
    ...(retrievalFilter !== undefined && { filter: retrievalFilter }),
  }
  const rag: Handler<PromptRequest, RetrievedPrompt | Promise<RetrievedPrompt>, PromptRequest> =
    retriever === undefined ? withoutPassages : retrieve({ retriever, ...searched })
  // What is no worker is refused by `infer`, in words that fit.
  const contextWindow = (worker as Partial<ModelWorker> | undefined)?.info?.contextWindow
  const written = {
    ...(template !== undefined && { template }),
    ...(system !== undefined && { system }),
    ...(spotlight !== undefined && { spotlight }),
    ...(maxPromptTokens !== undefined && { maxPromptTokens }),
    ...(countTokens !== undefined && { countTokens }),
    ...(contextWindow !== undefined && { contextWindow }),
  }
  const filters = ([] as ChunkFilter[]).concat(
    options.filters ?? [],
    options.redact === undefined ? [] : redact(options.redact),
  )
  const finished = { ...(stop !== undefined && { stop }), filters }
  const priority = (_: unknown, request: PromptRequest): number => priorityOf(request)
  const kept = options.deadLetter === undefined ? {} : { deadLetter: options.deadLetter }
  // The last two give their streams at once, so nothing waits before them that could be overtaken.
  return pipeline<PromptRequest>('chat')
    .stage('rag', rag, { capacity: 512, concurrency: 32, priority, ...kept })
    .stage('assemble', assemble(written), { capacity: 512, concurrency: 8, priority, ...kept })
    .stage('inference', redactRefusals(infer({ worker }), options.redact), {
      capacity: 512,
      concurrency: inferenceConcurrency,
      priority,
      timeoutMs: inferenceTimeoutMs,
      ...kept,
    })
    .stage('post', post(finished), { capacity: 1024, ...kept })
    .stage('stream', stream(), { capacity: 512, ...kept })
}

/** Keeps the stage where there is nothing to search, so that the pipeline has the same five whatever it is given. */
function withoutPassages(request: PromptRequest): RetrievedPrompt {
  checkRequest(request)
  return { request, passages: [] }
}
