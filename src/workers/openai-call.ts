import type { OpenAI } from 'openai'
import { type Clock, show } from '../../operators/index.ts'
import type { CompletionChunk } from './model-worker.ts'
import type { OpenAiEndpoint } from './openai-endpoint.ts'
import { openAiFailure } from './openai-failure.ts'
import { endedProperly } from './watch-ending.ts'
import { WorkerError } from './worker-error.ts'

/** Whom a worker calls, and how long it waits. */
export interface OpenAiCaller {
  /** The worker's name. */
  readonly id: string
  readonly endpoint: OpenAiEndpoint
  readonly client: () => Promise<OpenAI>
  /** Milliseconds that the server may be silent. */
  readonly timeoutMs: number
  readonly clock: Clock
}

/** One call: what is asked, where, and until when it is wanted. */
export interface OpenAiCall {
  readonly path: string
  readonly body: Readonly<Record<string, unknown>>
  /** The call's own: listeners on it need not be removed. */
  readonly signal: AbortSignal
}

/** The body of a whole answer; fails after `timeoutMs`. */
export async function wholeCall(caller: OpenAiCaller, { path, body, signal }: OpenAiCall): Promise<unknown> {
  const watch = new SilenceWatch(caller, signal)
  try {
    const client = await caller.client()
    watch.start()
    return await client.post<unknown>(path, { body, signal: watch.signal })
  } catch (error) {
    throw watch.failureOf(error)
  } finally {
    watch.stop()
  }
}

/**
 * A streamed answer, chunk by chunk; fails when it is broken off, or when the server is silent for `timeoutMs`.
 *
 * @param read What is in a frame.
 */
export async function* streamedCall(
  caller: OpenAiCaller,
  { path, body, signal }: OpenAiCall,
  read: (frame: unknown) => readonly CompletionChunk[],
): AsyncGenerator<CompletionChunk> {
  const watch = new SilenceWatch(caller, signal)
  const begun = new Set<number>()
  const finished = new Set<number>()
  try {
    const client = await caller.client()
    watch.start()
    const options = { body, signal: watch.signal, stream: true } as const
    const { data: frames, response } = await client.post<AsyncIterable<unknown>>(path, options).withResponse()
    for await (const frame of frames) {
      watch.stop()
      for (const chunk of read(frame)) {
        begun.add(chunk.choice ?? 0)
        if (chunk.finishReason !== undefined) finished.add(chunk.choice ?? 0)
        yield chunk
      }
      watch.start()
    }
    // The official client ends an aborted stream, too, as if it were complete.
    const open = begun.size === 0 ? [0] : [...begun].filter((choice) => !finished.has(choice))
    if (open.length === 0) return
    const type = response.headers.get('content-type') ?? ''
    if (!type.includes('text/event-stream')) {
      const message = `${caller.endpoint.baseUrl} answered with ${show(type)}, not with an event stream of OpenAI's API`
      throw new WorkerError(caller.id, message, { unreadable: true })
    }
    if (!endedProperly(response)) {
      throw new WorkerError(caller.id, 'the answer was broken off: the connection ended in it')
    }
    for (const choice of open) yield { text: '', ...(choice > 0 && { choice }), finishReason: 'stop' }
  } catch (error) {
    throw watch.failureOf(error)
  } finally {
    watch.stop()
  }
}

/** Aborts a call when its server has been silent for too long, or when it is no longer wanted. */
class SilenceWatch {
  readonly #call = new AbortController()
  readonly #caller: OpenAiCaller
  #timer: unknown

  constructor(caller: OpenAiCaller, signal: AbortSignal) {
    this.#caller = caller
    signal.addEventListener('abort', () => {
      this.#call.abort(signal.reason)
    })
    if (signal.aborted) this.#call.abort(signal.reason)
  }

  get signal(): AbortSignal {
    return this.#call.signal
  }

  start(): void {
    const { id, endpoint, timeoutMs, clock } = this.#caller
    this.#timer = clock.setTimeout(() => {
      this.#call.abort(new WorkerError(id, `${endpoint.baseUrl} was silent for ${timeoutMs} ms`, { timedOut: true }))
    }, timeoutMs)
  }

  stop(): void {
    this.#caller.clock.clearTimeout(this.#timer)
  }

  /** Why the call failed: that it was aborted, or what the server or the network said. */
  failureOf(error: unknown): unknown {
    if (this.signal.aborted) return this.signal.reason
    return openAiFailure(this.#caller.id, this.#caller.endpoint, error)
  }
}
