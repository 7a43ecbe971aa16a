import { defer, type Observable, tap } from 'rxjs'
import { checkKeys, show } from '../../operators/index.ts'
import type { Handler, HandlerContext } from '../handler.ts'
import { pulled } from '../pulled.ts'
import type { CompletionChunk, ModelWorker, Prompt } from '../workers/model-worker.ts'

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
  return (prompt, context) =>
    metered(
      pulled((signal) => worker.inferStream(prompt, { signal }), context),
      prompt,
      context,
    )

  function metered(
    chunks$: Observable<CompletionChunk>,
    { model = worker.info.models[0] ?? worker.info.id }: Prompt,
    { clock, meter }: HandlerContext,
  ): Observable<CompletionChunk> {
    return defer(() => {
      const calledAt = clock.now()
      let begun = false
      return chunks$.pipe(
        tap((chunk) => {
          const { usage } = chunk
          if (!begun && saysSomething(chunk)) {
            begun = true
            meter.firstToken(model, clock.now() - calledAt)
          }
          if (usage !== undefined) meter.used(model, usage.promptTokens, usage.completionTokens)
        }),
      )
    })
  }
}

/** A thought, a refusal or a call is as good a sign of life as a text. */
function saysSomething({ text, reasoning, refusal, toolCalls }: CompletionChunk): boolean {
  return text !== '' || reasoning !== undefined || refusal !== undefined || toolCalls !== undefined
}

function checkWorker(worker: unknown): ModelWorker {
  const isWorker =
    typeof worker === 'object' && worker !== null && 'inferStream' in worker && typeof worker.inferStream === 'function'
  if (!isWorker) throw new TypeError(`worker must be a ModelWorker (see defineWorker), got ${show(worker)}`)
  return worker as unknown as ModelWorker
}
