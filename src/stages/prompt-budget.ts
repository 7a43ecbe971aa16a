import type { GenerationParameters } from '../generation-parameters.ts'
import type { ChatMessage } from '../prompt-request.ts'
import type { Passage } from '../retrieval/retriever.ts'
import { conversationTurns } from './conversation-turns.ts'
import { fitPrompt, type WeighedPassage } from './fit-prompt.ts'
import { PromptTooLongError } from './prompt-too-long-error.ts'

/** What a prompt is made of, but for the system message. */
export interface PromptDraft {
  /** What the template is given to begin with. */
  readonly system: string
  readonly passages: readonly Passage[]
  /** Without system messages. */
  readonly messages: readonly ChatMessage[]
  readonly parameters: GenerationParameters | undefined
}

/** Makes the text of the system message. */
export type RenderSystem = (passages: readonly Passage[], messages: readonly ChatMessage[]) => string

/** What is left out of a prompt. */
export interface LeftOut {
  readonly passages: number
  readonly messages: number
  /** What they had. */
  readonly tokens: number
  /** What the prompt may have. */
  readonly limit: number
}

/** A prompt that is within its limit. */
export interface FittedPrompt {
  /** Of the system message. */
  readonly text: string
  readonly messages: readonly ChatMessage[]
  /** `undefined` where all of it is there. */
  readonly left: LeftOut | undefined
}

/** What a message takes beside its text: who says it, where it begins and where it ends. */
const tokensPerMessage = 4

/** Keeps prompts within a number of tokens. */
export class PromptBudget {
  readonly #countTokens: (text: string) => number
  readonly #maxPromptTokens: number
  readonly #contextWindow: number | undefined

  constructor(
    countTokens: (text: string) => number,
    maxPromptTokens: number | undefined,
    contextWindow: number | undefined,
  ) {
    this.#countTokens = countTokens
    this.#maxPromptTokens = maxPromptTokens ?? Infinity
    this.#contextWindow = contextWindow
  }

  /**
   * Leaves out what is beyond the limit, as `fitPrompt` decides.
   *
   * The system message is made before it is counted, because nobody knows what a template makes of its passages; where
   * it turns out that what was left out was not enough, more is, and it is made again.
   *
   * @throws PromptTooLongError when what may not be left out is beyond the limit.
   */
  fit(draft: PromptDraft, render: RenderSystem): FittedPrompt {
    const { system, passages, messages, parameters } = draft
    const text = render(passages, messages)
    const limit = this.#limitFor(parameters)
    if (limit === Infinity) return { text, messages, left: undefined }

    const starts = conversationTurns(messages)
    const turns = starts.map((start, turn) =>
      messages.slice(start, starts[turn + 1]).reduce((sum, message) => sum + this.#tokensOf(message), 0),
    )
    const tools = parameters?.tools === undefined ? 0 : this.#countTokens(JSON.stringify(parameters.tools))
    const beside = tools + turns.reduce((sum, tokens) => sum + tokens, 0)
    const inSystem = this.#tokensOfSystem(text)
    const whole = beside + inSystem
    if (whole <= limit) return { text, messages, left: undefined }

    const weighed = this.#weighed(passages, inSystem - this.#tokensOfSystem(system))
    const inPassages = weighed.reduce((sum, { tokens }) => sum + tokens, 0)
    const parts = { fixed: Math.max(0, inSystem - inPassages) + tools, passages: weighed, turns }
    let allowed = limit
    for (;;) {
      const fit = fitPrompt(parts, allowed)
      const kept = fit.passages.map((index) => passages[index]).filter((passage) => passage !== undefined)
      const conversation = messages.slice(starts[fit.firstTurn])
      const made = render(kept, conversation)
      const inTurns = turns.slice(fit.firstTurn).reduce((sum, tokens) => sum + tokens, 0)
      const tokens = tools + inTurns + this.#tokensOfSystem(made)
      if (tokens <= limit) {
        const left = {
          passages: passages.length - kept.length,
          messages: messages.length - conversation.length,
          tokens: whole - tokens,
          limit,
        }
        return { text: made, messages: conversation, left }
      }
      if (!fit.fits || (kept.length === 0 && fit.firstTurn >= turns.length - 1)) {
        throw new PromptTooLongError(tokens, limit)
      }
      allowed = fit.tokens - (tokens - limit)
    }
  }

  /** Each passage bears an equal part of what the template has put around all of them. */
  #weighed(passages: readonly Passage[], inTemplate: number): readonly WeighedPassage[] {
    const weighed = passages.map(({ text, score }) => ({ tokens: this.#countTokens(text), score }))
    const around = inTemplate - weighed.reduce((sum, { tokens }) => sum + tokens, 0)
    const share = Math.max(0, Math.floor(around / passages.length))
    return weighed.map(({ tokens, score }) => ({ tokens: tokens + share, score }))
  }

  #limitFor(parameters: GenerationParameters | undefined): number {
    const window = this.#contextWindow
    if (window === undefined) return this.#maxPromptTokens
    const answer = parameters?.maxTokens ?? Math.ceil(window / 4)
    return Math.min(this.#maxPromptTokens, Math.max(0, window - answer))
  }

  #tokensOfSystem(text: string): number {
    return text.trim() === '' ? 0 : tokensPerMessage + this.#countTokens(text)
  }

  #tokensOf({ content, name, reasoning, toolCalls = [] }: ChatMessage): number {
    let tokens = tokensPerMessage + this.#countTokens(content)
    if (name !== undefined) tokens += this.#countTokens(name)
    if (reasoning !== undefined) tokens += this.#countTokens(reasoning)
    for (const call of toolCalls) {
      tokens += tokensPerMessage + this.#countTokens(call.name) + this.#countTokens(call.arguments)
    }
    return tokens
  }
}
