import type { CompletionChunk } from './model-worker.ts'

/** Opens the source of an answer; the signal is aborted when nobody wants the answer any more. */
export type OpenAnswer = (signal: AbortSignal) => AsyncIterable<CompletionChunk>

type Read = IteratorResult<CompletionChunk, undefined>

interface PendingRead {
  readonly resolve: (read: Read) => void
  readonly reject: (reason: Error) => void
}

const end: Read = { done: true, value: undefined }

/**
 * The stream that a worker's caller reads, around the source that its implementer wrote: it is opened by the
 * first read, ends at once when the caller's signal is aborted or the reader leaves (whatever the source does
 * about it), and closes the source in both cases.
 */
export class GuardedStream implements AsyncIterableIterator<CompletionChunk, undefined> {
  readonly #open: OpenAnswer
  readonly #caller: AbortSignal | undefined
  /** The source's own, because it is aborted when the reader leaves, too. */
  readonly #call = new AbortController()
  readonly #pending = new Set<PendingRead>()
  #source: AsyncIterator<CompletionChunk> | undefined
  #state: 'new' | 'open' | 'aborted' | 'over' = 'new'

  constructor(open: OpenAnswer, caller: AbortSignal | undefined) {
    this.#open = open
    this.#caller = caller
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<Read> {
    return new Promise((resolve, reject) => {
      if (this.#caller?.aborted === true && this.#state === 'new') this.#state = 'aborted'
      if (this.#state === 'aborted') reject(this.#caller?.reason as Error)
      else if (this.#state === 'over') resolve(end)
      else this.#read({ resolve, reject })
    })
  }

  return(): Promise<Read> {
    if (this.#state === 'open') {
      this.#leave('over', new DOMException('The reader left before the end of the answer', 'AbortError'))
      for (const { resolve } of this.#takePending()) resolve(end)
    } else if (this.#state === 'new') this.#state = 'over'
    return Promise.resolve(end)
  }

  #read(pending: PendingRead): void {
    this.#pending.add(pending)
    const fail = (error: unknown): void => {
      // A read that was answered by an abort: how the source takes it no longer concerns anybody.
      if (!this.#pending.delete(pending)) return
      this.#finish('over')
      pending.reject(error as Error)
    }
    try {
      this.#source ??= this.#start()
      Promise.resolve(this.#source.next()).then((result) => {
        if (!this.#pending.delete(pending)) return
        if (result.done !== true) pending.resolve(result)
        else {
          this.#finish('over')
          pending.resolve(end)
        }
      }, fail)
    } catch (error) {
      fail(error)
    }
  }

  #start(): AsyncIterator<CompletionChunk> {
    this.#state = 'open'
    this.#caller?.addEventListener('abort', this.#onAbort, { once: true })
    return this.#open(this.#call.signal)[Symbol.asyncIterator]()
  }

  readonly #onAbort = (): void => {
    const reason = this.#caller?.reason as Error
    this.#leave('aborted', reason)
    for (const { reject } of this.#takePending()) reject(reason)
  }

  #leave(state: 'aborted' | 'over', reason: unknown): void {
    const source = this.#source
    this.#finish(state)
    this.#call.abort(reason)
    try {
      source?.return?.().catch(() => undefined)
    } catch {
      // Closing is best effort: the answer is not wanted any more, and there is nobody to tell.
    }
  }

  /** A signal may outlive thousands of calls, so each takes its listener away. */
  #finish(state: 'aborted' | 'over'): void {
    this.#state = state
    this.#source = undefined
    this.#caller?.removeEventListener('abort', this.#onAbort)
  }

  #takePending(): readonly PendingRead[] {
    const pending = [...this.#pending]
    this.#pending.clear()
    return pending
  }
}
