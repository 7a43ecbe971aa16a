import type { CompletionChunk, FinishReason, Usage } from '../workers/model-worker.ts'
import { openAiError, type Refusal } from './refusal.ts'

/** What all frames of one answer say alike. */
export interface AnswerHead {
  /** The completion's id. */
  readonly id: string
  /** When it began, in seconds since 1970-01-01 UTC. */
  readonly created: number
  readonly model: string
}

/**
 * Writes one streamed answer as the frames of `chat.completion.chunk`s.
 *
 * A frame is one line of JSON, which escapes line ends and lone surrogates, so that no text can break it. A high
 * surrogate at the end of a chunk is kept for the next one: a client in a language without UTF-16 strings could
 * not join the halves.
 */
export class ChunkFrames {
  readonly #open: string
  readonly #close: string
  readonly #includeUsage: boolean
  #first = true
  #half = ''
  #finishReason: FinishReason = 'stop'
  #usage: Usage | undefined

  constructor({ id, created, model }: AnswerHead, includeUsage: boolean) {
    const head = JSON.stringify({ id, object: 'chat.completion.chunk', created, model })
    this.#open = `data: ${head.slice(0, -1)}`
    this.#close = includeUsage ? ',"usage":null}\n\n' : '}\n\n'
    this.#includeUsage = includeUsage
  }

  /** The frame of a chunk; empty where it has no text to send yet. */
  chunk(chunk: CompletionChunk): string {
    if (chunk.finishReason !== undefined) this.#finishReason = chunk.finishReason
    if (chunk.usage !== undefined) this.#usage = chunk.usage
    const text = this.#half + chunk.text
    if (text === '') return ''
    const whole = endsInHighSurrogate(text) ? text.length - 1 : text.length
    this.#half = text.slice(whole)
    return whole === 0 ? '' : this.#text(text.slice(0, whole))
  }

  /** The frames that end an answer: why it ended, the usage where it is wanted and known, and `[DONE]`. */
  end(): string {
    // The role is said even where there was no text, and half a character that never became whole is still sent.
    let frames = this.#half !== '' || this.#first ? this.#text(this.#half) : ''
    this.#half = ''
    frames += `${this.#open},"choices":[{"index":0,"delta":{},"finish_reason":"${this.#finishReason}"}]${this.#close}`
    if (this.#includeUsage && this.#usage !== undefined) {
      frames += `${this.#open},"choices":[],"usage":${JSON.stringify(openAiUsage(this.#usage))}}\n\n`
    }
    return `${frames}data: [DONE]\n\n`
  }

  /** The frame that says that the answer is broken off; nothing comes after it. */
  error(refusal: Refusal): string {
    return `data: ${JSON.stringify(openAiError(refusal))}\n\n`
  }

  #text(text: string): string {
    const role = this.#first ? '"role":"assistant",' : ''
    this.#first = false
    const delta = `{${role}"content":${JSON.stringify(text)}}`
    return `${this.#open},"choices":[{"index":0,"delta":${delta},"finish_reason":null}]${this.#close}`
  }
}

/** Token counts as OpenAI names them. */
export interface OpenAiUsage {
  readonly prompt_tokens: number
  readonly completion_tokens: number
  readonly total_tokens: number
}

/** Usage in OpenAI's shape. */
export function openAiUsage({ promptTokens, completionTokens }: Usage): OpenAiUsage {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  }
}

function endsInHighSurrogate(text: string): boolean {
  const last = text.charCodeAt(text.length - 1)
  return last >= 0xd800 && last <= 0xdbff
}
