import type { CompletionChunk, Usage } from '../workers/model-worker.ts'
import { ChoiceDelta, type OpenAiDelta } from './choice-delta.ts'
import type { OpenAiLogprobs } from './openai-logprobs.ts'
import { openAiUsage } from './openai-usage.ts'
import { openAiError, type Refusal } from './refusal.ts'

/** What all frames of one answer say alike. */
export interface AnswerHead {
  /** The completion's id. */
  readonly id: string
  /** When it began, in seconds since 1970-01-01 UTC. */
  readonly created: number
  readonly model: string
}

/** Writes one streamed answer as server-sent events. */
export interface AnswerFrames {
  /** The frame of a chunk; empty where there is nothing to send yet. */
  chunk(chunk: CompletionChunk): string
  /** The frames that end an answer. */
  end(): string
  /** The frame that says that the answer is broken off; nothing comes after it. */
  error(refusal: Refusal): string
}

/**
 * Writes one streamed answer as the frames of `chat.completion.chunk`s.
 *
 * A frame is one line of JSON, which escapes line ends and lone surrogates, so that no text can break it. Each
 * choice begins with its role; why each ended comes when all have. Where the usage is wanted but the model does not
 * tell it, there is no frame with one: made-up figures would be taken for true.
 */
export class ChunkFrames implements AnswerFrames {
  readonly #open: string
  readonly #close: string
  readonly #includeUsage: boolean
  readonly #choices = new Map<number, ChoiceDelta>([[0, new ChoiceDelta()]])
  #usage: Usage | undefined

  constructor({ id, created, model }: AnswerHead, includeUsage: boolean) {
    const head = JSON.stringify({ id, object: 'chat.completion.chunk', created, model })
    this.#open = `data: ${head.slice(0, -1)}`
    this.#close = includeUsage ? ',"usage":null}\n\n' : '}\n\n'
    this.#includeUsage = includeUsage
  }

  chunk(chunk: CompletionChunk): string {
    if (chunk.usage !== undefined) this.#usage = chunk.usage
    const index = chunk.choice ?? 0
    let choice = this.#choices.get(index)
    if (choice === undefined) {
      choice = new ChoiceDelta()
      this.#choices.set(index, choice)
    }
    const news = choice.push(chunk)
    return news === undefined ? '' : this.#frame(index, news.delta, news.logprobs, null)
  }

  end(): string {
    let frames = ''
    const choices = [...this.#choices].toSorted(([a], [b]) => a - b)
    for (const [index, choice] of choices) {
      const rest = choice.end()
      if (rest !== undefined) frames += this.#frame(index, rest, null, null)
    }
    for (const [index, { finishReason }] of choices) frames += this.#frame(index, {}, null, finishReason)
    if (this.#includeUsage && this.#usage !== undefined) {
      frames += `${this.#open},"choices":[],"usage":${JSON.stringify(openAiUsage(this.#usage))}}\n\n`
    }
    return `${frames}data: [DONE]\n\n`
  }

  error(refusal: Refusal): string {
    return `data: ${JSON.stringify(openAiError(refusal))}\n\n`
  }

  #frame(index: number, delta: OpenAiDelta, logprobs: OpenAiLogprobs | null, reason: string | null): string {
    const choice = JSON.stringify({ index, delta, ...(logprobs !== null && { logprobs }), finish_reason: reason })
    return `${this.#open},"choices":[${choice}]${this.#close}`
  }
}
