import type { Observable } from 'rxjs'
import { checkInteger, checkKeys, checkMethods } from '../operators/index.ts'
import type { Handler } from './handler.ts'
import { type Pipeline, pipeline } from './pipeline/pipeline.ts'
import { pulled } from './pulled.ts'
import { redact } from './redaction/redact.ts'
import { redactRefusals } from './redaction/redact-refusals.ts'
import type { RedactionOptions } from './redaction/redaction-options.ts'
import type { ChunkFilter } from './stages/chunk-filter.ts'
import { meteredAnswer } from './stages/metered-answer.ts'
import { post } from './stages/post.ts'
import { stream } from './stages/stream.ts'
import type { CompletionChunk, ModelWorker } from './workers/model-worker.ts'
import type { TextPrompt } from './workers/text-prompt.ts'

/** A request to continue bare texts. */
export interface TextRequest extends TextPrompt {
  /** The caller's name for the request; a random one is made when it is absent. */
  readonly id?: string
  /** Milliseconds from submission to the last chunk; afterwards the outcome is `expired`. */
  readonly deadlineMs?: number
}

/** What the pipeline of text completions is made of. */
export interface CompletionsPipelineOptions {
  /** A worker with the capability `'completions'`. */
  readonly worker: ModelWorker
  /** Texts that end every answer, beside those that a request names; default none. */
  readonly stop?: readonly string[]
  /** What every answer goes through, in this order; default nothing. Give it those of the chat pipeline. */
  readonly filters?: readonly ChunkFilter[]
  /** Takes personal data out of the answers, after `filters`, and of the model's refusals; default: it stays. */
  readonly redact?: RedactionOptions
  /** Answers that the model gives at the same time, 1 or more; default 16. */
  readonly inferenceConcurrency?: number
  /** Milliseconds that the model may take to its first chunk, 1 or more; default 60,000. */
  readonly inferenceTimeoutMs?: number
}

const optionKeys = [
  'worker',
  'stop',
  'filters',
  'redact',
  'inferenceConcurrency',
  'inferenceTimeoutMs',
] as const satisfies readonly (keyof CompletionsPipelineOptions)[]

type CompletingWorker = ModelWorker & Required<Pick<ModelWorker, 'completeStream'>>

/**
 * The pipeline behind `POST /v1/completions`: bare texts go to the worker as they are, without documents and
 * template, and what comes back goes through the same filters as a chat's; only its white space is left alone.
 *
 * @example
 * ```ts
 * const completions = completionsPipeline({ worker }).start({ metricsPrefix: 'orchestrator_completions_' })
 * createServer({ running, completions, models: [worker.info] })
 * ```
 *
 * @throws TypeError or RangeError naming the option that is wrong.
 */
export function completionsPipeline(
  options: CompletionsPipelineOptions,
): Pipeline<TextRequest, Observable<CompletionChunk>, 'inference' | 'post' | 'stream'> {
  checkKeys('completionsPipeline', options, optionKeys)
  const { stop, inferenceConcurrency = 16, inferenceTimeoutMs = 60_000 } = options
  const expected = 'a ModelWorker with the capability "completions"'
  const worker = checkMethods('worker', options.worker, expected, ['completeStream']) as CompletingWorker
  const filters = ([] as ChunkFilter[]).concat(
    options.filters ?? [],
    options.redact === undefined ? [] : redact(options.redact),
  )
  const finished = { ...(stop !== undefined && { stop }), filters }
  return pipeline<TextRequest>('completions')
    .stage('inference', redactRefusals(complete(worker), options.redact), {
      capacity: 512,
      concurrency: checkInteger('inferenceConcurrency', inferenceConcurrency, { min: 1 }),
      timeoutMs: checkInteger('inferenceTimeoutMs', inferenceTimeoutMs, { min: 1 }),
    })
    .stage('post', post({ ...finished, trim: false }), { capacity: 1024 })
    .stage('stream', stream(), { capacity: 512 })
}

/** Asks the worker, as `infer` does for chats. */
function complete(worker: CompletingWorker): Handler<TextRequest, Observable<CompletionChunk>, TextRequest> {
  const [first = worker.info.id] = worker.info.models
  return (prompt, context) => {
    const answer$ = pulled((signal) => worker.completeStream(prompt, { signal }), context)
    return meteredAnswer(answer$, prompt.model ?? first, context)
  }
}
