import type { Clock } from '../../operators/index.ts'
import type { Logger } from '../logger.ts'
import { describeError } from '../pipeline/describe-error.ts'
import { embed } from './embed-passages.ts'
import type { Embedder } from './embedder.ts'
import { RetrievalError } from './retrieval-error.ts'

/** What it takes to embed a question within bounds. */
export interface QuestionEmbedding {
  readonly embedder: Embedder
  /** The index, for errors. */
  readonly path: string
  readonly timeoutMs: number
  readonly clock: Clock
  readonly logger: Logger
  /** Aborted when the index is closed. */
  readonly closing: AbortSignal
}

/**
 * A question's vector, or `undefined` where the embedder fails or takes longer than `timeoutMs`: the log hears of it.
 *
 * Rejects only with the reason of a signal that is aborted.
 */
export async function embedQuestion(
  question: string,
  { embedder, path, timeoutMs, clock, logger, closing }: QuestionEmbedding,
  signal: AbortSignal | undefined,
): Promise<Float32Array | undefined> {
  const signals = signal === undefined ? [closing] : [closing, signal]
  for (const each of signals) each.throwIfAborted()
  const call = new AbortController()
  const onAbort = (event: Event): void => {
    call.abort((event.target as AbortSignal).reason)
  }
  for (const each of signals) each.addEventListener('abort', onAbort, { once: true })
  const timer = clock.setTimeout(() => {
    call.abort(new RetrievalError(path, `no vector of a question within ${timeoutMs} ms`))
  }, timeoutMs)
  try {
    const [vector] = await orAborted(embed(embedder, path, [question], call.signal), call.signal)
    return vector
  } catch (error) {
    for (const each of signals) each.throwIfAborted()
    logger.warn(
      { path, model: embedder.model, ...describeError(error) },
      'a question could not be embedded: it is searched by words alone',
    )
    return undefined
  } finally {
    clock.clearTimeout(timer)
    for (const each of signals) each.removeEventListener('abort', onAbort)
  }
}

/** Settles as the promise does, or rejects at once when the signal is aborted, whatever the promise does about it. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => {
      reject(signal.reason as Error)
    })
    promise.then(resolve, reject)
  })
}
