import { Buffer } from 'node:buffer'
import type { Reply } from '../pipeline/reply.ts'
import type { CompletionChunk } from '../workers/model-worker.ts'
import { clientCancelled } from './client-ending.ts'
import { writeBytes } from './joined.ts'
import { outcomeBody } from './outcome-body.ts'
import type { Refusal } from './refusal.ts'
import { WholeChunks } from './whole-chunks.ts'

/** How much of a stream is kept for a reader that comes back. */
export interface ReplayWindow {
  /** Events that have been handed over, 1 …. */
  readonly events: number
  /** Their bytes together. */
  readonly bytes: number
}

/** What a reader is given at once. */
export interface GivenEvents {
  /** Empty where there is none. */
  readonly text: string
  /** The number of the last event in it. */
  readonly last: number
}

interface KeptEvent {
  readonly text: string
  readonly bytes: number
}

/**
 * One answer as numbered server-sent events, of which the last ones stay readable: a reader whose connection broke
 * goes on after the last event that it has.
 *
 * The answer is pulled only when a reader has been given all that there is, so that while nobody reads the model
 * waits. What no reader has been given yet is never dropped.
 */
export class KeptStream {
  readonly reply: Reply<CompletionChunk>
  readonly #window: ReplayWindow
  readonly #reportFault: (error: unknown) => Refusal
  readonly #whole = new WholeChunks()
  #batches: AsyncIterator<readonly CompletionChunk[]> | undefined
  #events: KeptEvent[] = []
  #bytes = 0
  /** The number of the last event; they begin at 1. */
  #last = 0
  /** The number of the last event that the latest reader was given. */
  #given = 0
  #ended = false
  #deleted = false
  #fault: Refusal | undefined
  #pull: Promise<void> | undefined

  /** @param reportFault Logs that the server failed while it made the events, and gives what its client is told. */
  constructor(reply: Reply<CompletionChunk>, window: ReplayWindow, reportFault: (error: unknown) => Refusal) {
    this.reply = reply
    this.#window = window
    this.#reportFault = reportFault
  }

  /** The number of the last event that is there. */
  get last(): number {
    return this.#last
  }

  /** The number of the first event that can still be read; one more than `last` where there is none. */
  get first(): number {
    return this.#last - this.#events.length + 1
  }

  /** The outcome is there; nothing comes after it. */
  get ended(): boolean {
    return this.#ended
  }

  /** Its client has said that it wants no more of it. */
  get deleted(): boolean {
    return this.#deleted
  }

  /** What the server failed with, if it did. */
  get fault(): Refusal | undefined {
    return this.#fault
  }

  /** Cancels the request, if it has not ended; who reads at present hears the outcome. */
  delete(): void {
    this.#deleted = true
    this.reply.cancel(clientCancelled)
  }

  /** The events after this one, as many as one write may hold. `after` is `first - 1` or more. */
  after(after: number): GivenEvents {
    let text = ''
    let bytes = 0
    let last = after
    for (const event of this.#events.slice(after + 1 - this.first)) {
      if (text !== '' && bytes + event.bytes > writeBytes) break
      text += event.text
      bytes += event.bytes
      last += 1
    }
    this.#given = last
    this.#trim()
    return { text, last }
  }

  /** Resolves when there are more events than before; two readers that ask get the same ones. Never rejects. */
  more(): Promise<void> {
    this.#pull ??= this.#next().finally(() => {
      this.#pull = undefined
    })
    return this.#pull
  }

  async #next(): Promise<void> {
    if (this.#ended) return
    try {
      this.#batches ??= this.reply.batches()
      const batch = await this.#batches.next()
      if (batch.done !== true) {
        for (const chunk of batch.value) this.#add('chunk', this.#whole.push(chunk))
        return
      }
      for (const chunk of this.#whole.end()) this.#add('chunk', chunk)
    } catch (error) {
      // Where the request has ended badly the outcome says what the error does.
      const { settled } = this.reply
      if (settled === undefined || settled.kind === 'completed') this.#fault = this.#reportFault(error)
      this.reply.cancel('the server failed')
    }
    this.#add('outcome', outcomeBody(await this.reply.outcome, this.#fault))
    this.#ended = true
  }

  #add(event: 'chunk' | 'outcome', data: object): void {
    this.#last += 1
    const text = `id: ${this.#last}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`
    const bytes = Buffer.byteLength(text)
    this.#events.push({ text, bytes })
    this.#bytes += bytes
  }

  /** Forgets the oldest events beyond the window, but none that no reader was given. */
  #trim(): void {
    let over = 0
    let { length } = this.#events
    while (length > 0 && this.first + over <= this.#given) {
      if (length <= this.#window.events && this.#bytes <= this.#window.bytes) break
      this.#bytes -= this.#events[over]?.bytes ?? 0
      over += 1
      length -= 1
    }
    if (over > 0) this.#events.splice(0, over)
  }
}
