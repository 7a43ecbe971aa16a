import type { Clock, TimerHandle } from '../../operators/index.ts'
import type { Reply } from '../pipeline/reply.ts'
import type { CompletionChunk } from '../workers/model-worker.ts'
import { ClientEnding, clientLeft } from './client-ending.ts'
import { KeptStream, type ReplayWindow } from './kept-stream.ts'
import type { Refusal } from './refusal.ts'

/** Who reads a kept stream at present. */
export interface StreamReader {
  /** Told when another reader has taken its place. */
  readonly superseded: () => void
}

/** How many streams are kept, and for how long. */
export interface KeptStreamsOptions extends ReplayWindow {
  /** Streams that are kept at the same time, 1 …. */
  readonly streams: number
  /** Milliseconds that a stream without a reader is kept. */
  readonly resumeMs: number
  readonly clock: Clock
}

interface Entry {
  readonly name: string
  readonly stream: KeptStream
  reader: StreamReader | undefined
  timer: TimerHandle
}

/**
 * The streams of the native route that can be read on, by a name: whose their request is, and its id. Each has one
 * reader at most: one that comes takes the place of the one before. Without a reader it is kept for `resumeMs`; then
 * it is forgotten, and its request cancelled if it has not ended. Of those that were deleted the names are
 * remembered, as many as there may be streams.
 */
export class KeptStreams {
  readonly #options: KeptStreamsOptions
  readonly #entries = new Map<string, Entry>()
  readonly #deleted = new Set<string>()

  constructor(options: KeptStreamsOptions) {
    this.#options = options
  }

  /** How many are kept. */
  get size(): number {
    return this.#entries.size
  }

  get(name: string): KeptStream | undefined {
    return this.#entries.get(name)?.stream
  }

  /** Whether there is room for one more, for which the one that ended longest ago without a reader is forgotten. */
  makeRoom(): boolean {
    if (this.#entries.size < this.#options.streams) return true
    for (const { name, stream, reader } of this.#entries.values()) {
      if (reader !== undefined || !stream.ended) continue
      this.forget(name, stream)
      return true
    }
    return false
  }

  /** Keeps an answer's stream under a name that is not taken; it waits for its reader from now on. */
  add(name: string, reply: Reply<CompletionChunk>, reportFault: (error: unknown) => Refusal): KeptStream {
    const stream = new KeptStream(reply, this.#options, reportFault)
    const entry: Entry = { name, stream, reader: undefined, timer: undefined }
    this.#deleted.delete(name)
    this.#entries.set(name, entry)
    this.#await(entry)
    return entry.stream
  }

  /** Makes this one the reader of a stream that is kept. */
  attach(name: string, reader: StreamReader): void {
    const entry = this.#entries.get(name)
    if (entry === undefined) return
    this.#options.clock.clearTimeout(entry.timer)
    entry.stream.reply.hold(0)
    const { reader: before } = entry
    entry.reader = reader
    before?.superseded()
  }

  /** This reader has gone; no effect where another has taken its place. */
  detach(name: string, reader: StreamReader): void {
    const entry = this.#entries.get(name)
    if (entry?.reader !== reader) return
    entry.reader = undefined
    // Those that ended longest ago come first.
    this.#entries.delete(name)
    this.#entries.set(name, entry)
    this.#await(entry)
  }

  /** Deletes a stream for its client; `false` where there is none, nor was one that has been deleted. */
  delete(name: string): boolean {
    const entry = this.#entries.get(name)
    if (entry === undefined) return this.wasDeleted(name)
    this.#remove(entry)
    this.#deleted.add(name)
    if (this.#deleted.size > this.#options.streams) {
      const [oldest = name] = this.#deleted
      this.#deleted.delete(oldest)
    }
    entry.stream.delete()
    return true
  }

  /** Whether the last stream of this name was deleted, as far as that is remembered. */
  wasDeleted(name: string): boolean {
    return this.#deleted.has(name)
  }

  /** Keeps this stream no longer, unless another has its name; a request that has not ended is cancelled. */
  forget(name: string, stream: KeptStream, reason: unknown = clientLeft): void {
    const entry = this.#entries.get(name)
    if (entry?.stream !== stream) return
    this.#remove(entry)
    stream.reply.cancel(reason)
  }

  /** Forgets all. */
  close(): void {
    for (const { name, stream } of [...this.#entries.values()]) this.forget(name, stream, 'the server is closing')
    this.#deleted.clear()
  }

  #remove(entry: Entry): void {
    this.#options.clock.clearTimeout(entry.timer)
    this.#entries.delete(entry.name)
  }

  #await(entry: Entry): void {
    const { clock, resumeMs } = this.#options
    // Who may come back has not stopped reading.
    entry.stream.reply.hold(resumeMs)
    entry.timer = clock.setTimeout(() => {
      const reason = `nobody read the stream within the limit resumeMs of ${resumeMs} ms`
      this.forget(entry.name, entry.stream, new ClientEnding(reason))
    }, resumeMs)
  }
}
