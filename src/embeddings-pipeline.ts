import { checkInteger, checkKeys, checkMethods } from '../operators/index.ts'
import type { Handler } from './handler.ts'
import { type Pipeline, pipeline } from './pipeline/pipeline.ts'
import type { EmbeddingRequest, Embeddings } from './workers/embeddings.ts'
import type { ModelWorker } from './workers/model-worker.ts'

/** A request for the vectors of texts. */
export interface VectorsRequest extends EmbeddingRequest {
  /** The caller's name for the request; a random one is made when it is absent. */
  readonly id?: string
  /** Milliseconds from submission to the vectors; afterwards the outcome is `expired`. */
  readonly deadlineMs?: number
}

/** What the pipeline of embeddings is made of. */
export interface EmbeddingsPipelineOptions {
  /** A worker with the capability `'embeddings'`. */
  readonly worker: ModelWorker
  /** Requests that the model works on at the same time, 1 or more; default 16. */
  readonly concurrency?: number
  /** Milliseconds that the model may take, 1 or more; default 60,000. */
  readonly timeoutMs?: number
}

type EmbeddingWorker = ModelWorker & Required<Pick<ModelWorker, 'embed'>>

/**
 * The pipeline behind `POST /v1/embeddings`: one stage, which asks the worker.
 *
 * @example
 * ```ts
 * const embeddings = embeddingsPipeline({ worker }).start({ metricsPrefix: 'orchestrator_embeddings_' })
 * createServer({ running, embeddings, models: [worker.info] })
 * ```
 *
 * @throws TypeError or RangeError naming the option that is wrong.
 */
export function embeddingsPipeline(options: EmbeddingsPipelineOptions): Pipeline<VectorsRequest, Embeddings, 'embed'> {
  checkKeys('embeddingsPipeline', options, ['worker', 'concurrency', 'timeoutMs'])
  const { concurrency = 16, timeoutMs = 60_000 } = options
  const expected = 'a ModelWorker with the capability "embeddings"'
  const worker = checkMethods('worker', options.worker, expected, ['embed']) as EmbeddingWorker
  const [first = worker.info.id] = worker.info.models
  const embed: Handler<VectorsRequest, Promise<Embeddings>, VectorsRequest> = async (request, { signal, meter }) => {
    const embeddings = await worker.embed(request, { signal })
    if (embeddings.promptTokens !== undefined) meter.used(request.model ?? first, embeddings.promptTokens, 0)
    return embeddings
  }
  return pipeline<VectorsRequest>('embeddings').stage('embed', embed, {
    capacity: 512,
    concurrency: checkInteger('concurrency', concurrency, { min: 1 }),
    timeoutMs: checkInteger('timeoutMs', timeoutMs, { min: 1 }),
  })
}
