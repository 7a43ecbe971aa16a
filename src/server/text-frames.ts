import type { Completion, CompletionChunk, FinishReason, TokenLogprob, Usage } from '../workers/model-worker.ts'
import type { AnswerFrames, AnswerHead } from './chunk-frames.ts'
import { type OpenAiUsage, openAiUsage } from './openai-usage.ts'
import { openAiError, type Refusal } from './refusal.ts'
import { WholeCharacters } from './whole-characters.ts'
import { choicesOf } from './whole-answer.ts'

/** A `text_completion`, as OpenAI's clients read it. */
export interface TextCompletionBody extends AnswerHead {
  readonly object: 'text_completion'
  readonly choices: readonly {
    readonly index: number
    readonly text: string
    readonly logprobs: LegacyLogprobs | null
    readonly finish_reason: FinishReason | null
  }[]
  readonly usage?: OpenAiUsage | null
}

/** Probabilities of tokens as lists side by side. */
interface LegacyLogprobs {
  readonly tokens: readonly string[]
  readonly token_logprobs: readonly (number | null)[]
  readonly top_logprobs: readonly (Readonly<Record<string, number | null>> | null)[]
  /** Where each token begins in the text, in UTF-16 code units. */
  readonly text_offset: readonly number[]
}

/** A whole completion of bare text in one body. */
export function textCompletion(completion: Completion, head: AnswerHead): TextCompletionBody {
  const { usage } = completion
  return {
    ...head,
    object: 'text_completion',
    choices: choicesOf(completion).map(({ text, logprobs, finishReason }, index) => ({
      index,
      text,
      logprobs: logprobs === undefined ? null : legacyLogprobs(logprobs, 0),
      finish_reason: finishReason,
    })),
    ...(usage !== undefined && { usage: openAiUsage(usage) }),
  }
}

/** As `ChunkFrames`, of a completion of bare text. */
export class TextFrames implements AnswerFrames {
  readonly #head: Pick<TextCompletionBody, 'id' | 'object' | 'created' | 'model'>
  readonly #includeUsage: boolean
  readonly #texts = new WholeCharacters()
  readonly #choices = new Map<number, { offset: number; finishReason: FinishReason }>([
    [0, { offset: 0, finishReason: 'stop' }],
  ])
  #usage: Usage | undefined

  constructor({ id, created, model }: AnswerHead, includeUsage: boolean) {
    this.#head = { id, object: 'text_completion', created, model }
    this.#includeUsage = includeUsage
  }

  chunk({ text: piece, choice: index = 0, logprobs, finishReason, usage }: CompletionChunk): string {
    this.#usage = usage ?? this.#usage
    const choice = this.#choices.get(index) ?? { offset: 0, finishReason: 'stop' }
    this.#choices.set(index, choice)
    choice.finishReason = finishReason ?? choice.finishReason
    const text = this.#texts.push(String(index), piece)
    if (text === '' && logprobs === undefined) return ''
    const told = logprobs === undefined ? null : legacyLogprobs(logprobs, choice.offset)
    for (const { token } of logprobs ?? []) choice.offset += token.length
    return this.#frame([{ index, text, logprobs: told, finish_reason: null }])
  }

  end(): string {
    const rest = new Map(this.#texts.end())
    const choices = [...this.#choices].toSorted(([a], [b]) => a - b)
    let frames = ''
    for (const [index, { finishReason }] of choices) {
      const text = rest.get(String(index)) ?? ''
      frames += this.#frame([{ index, text, logprobs: null, finish_reason: finishReason }])
    }
    if (this.#includeUsage && this.#usage !== undefined) frames += this.#frame([], openAiUsage(this.#usage))
    return `${frames}data: [DONE]\n\n`
  }

  error(refusal: Refusal): string {
    return `data: ${JSON.stringify(openAiError(refusal))}\n\n`
  }

  #frame(choices: TextCompletionBody['choices'], usage: OpenAiUsage | null = null): string {
    const frame: TextCompletionBody = { ...this.#head, choices, ...(this.#includeUsage && { usage }) }
    return `data: ${JSON.stringify(frame)}\n\n`
  }
}

function legacyLogprobs(logprobs: readonly TokenLogprob[], from: number): LegacyLogprobs {
  let offset = from
  return {
    tokens: logprobs.map(({ token }) => token),
    token_logprobs: logprobs.map(({ logprob }) => logprob),
    top_logprobs: logprobs.map(({ topLogprobs }) =>
      topLogprobs.length === 0 ? null : Object.fromEntries(topLogprobs.map(({ token, logprob }) => [token, logprob])),
    ),
    text_offset: logprobs.map(({ token }) => {
      offset += token.length
      return offset - token.length
    }),
  }
}
