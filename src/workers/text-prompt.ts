import type { GenerationParameters } from '../generation-parameters.ts'

/** A text, or its tokens as the model numbers them. */
export type TextOrTokens = string | readonly number[]

/** Bare texts that a model is to continue, without the form of a conversation. */
export interface TextPrompt {
  /**
   * At least one. Their choices are numbered one after the other: `parameters.n` of the first, then of the second …
   */
  readonly prompts: readonly TextOrTokens[]
  /** The model that is asked for; the worker's first when absent. */
  readonly model?: string
  /** What comes after the text that is to be found. */
  readonly suffix?: string
  /** Whether the answer begins with the prompt. */
  readonly echo?: boolean
  /** How many answers are made, 1 … 128, of which the `n` best are given. */
  readonly bestOf?: number
  /** `logprobs` here asks for probabilities, `topLogprobs` for so many others; tools and formats have no place. */
  readonly parameters?: GenerationParameters
}
