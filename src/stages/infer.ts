import type { Observable } from 'rxjs'
import { checkKeys, show } from '../../operators/index.ts'
import type { Handler } from '../handler.ts'
import { pulled } from '../pulled.ts'
import type { CompletionChunk, ModelWorker, Prompt } from '../workers/model-worker.ts'
import { meteredAnswer } from './metered-answer.ts'

/** Who answers the prompts. */
export interface InferStageOptions {
  readonly worker: ModelWorker
}

/**
 * The stage that asks the model: a prompt in, the answer as a stream of chunks out.
 *
 * The worker is called when the stream is subscribed, read as fast as the client reads, and its call is aborted at
 * once when the stream is unsubscribed or the request settled. What the worker throws is the stream's error. The
 * tokens that the model reports and the time to the first chunk are counted by model.
 *
 * @throws TypeError when `worker` is not a model worker.
 *
 * @example
 * ```ts
 * .stage('inference', infer({ worker: echo() }), { capacity: 512, concurrency: 16, timeoutMs: 60_000 })
 * ```
 */
export function infer(options: InferStageOptions): Handler<Prompt, Observable<CompletionChunk>> {
  checkKeys('infer', options, ['worker'])
  const worker = checkWorker(options.worker)
  const [first = worker.info.id] = worker.info.models
  return (prompt, context) => {
    const chunks$ = pulled((signal) => worker.inferStream(prompt, { signal }), context)
    return meteredAnswer(chunks$, prompt.model ?? first, context)
  }
}

function checkWorker(worker: unknown): ModelWorker {
  const isWorker =
    typeof worker === 'object' && worker !== null && 'inferStream' in worker && typeof worker.inferStream === 'function'
  if (!isWorker) throw new TypeError(`worker must be a ModelWorker (see defineWorker), got ${show(worker)}`)
  return worker as unknown as ModelWorker
}
