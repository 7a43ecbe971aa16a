import type { FieldRange } from './check-fields.ts'

/** The numbers among the parameters of a prompt. */
type NumberParameter =
  'temperature' | 'topP' | 'maxTokens' | 'seed' | 'frequencyPenalty' | 'presencePenalty' | 'n' | 'topLogprobs'

/** What they may be, wherever they come from. */
export const parameterRanges: Readonly<Record<NumberParameter, FieldRange>> = {
  temperature: { min: 0, max: 2 },
  topP: { min: 0, max: 1 },
  maxTokens: { min: 1, max: Number.MAX_SAFE_INTEGER, whole: true },
  seed: { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER, whole: true },
  frequencyPenalty: { min: -2, max: 2 },
  presencePenalty: { min: -2, max: 2 },
  n: { min: 1, max: 128, whole: true },
  topLogprobs: { min: 0, max: 20, whole: true },
}

/** What may be added to a token's logit. */
export const biasRange: FieldRange = { min: -100, max: 100 }

/** How many texts that end the answer a prompt may have. */
export const mostStops = 16

/** How many UTF-16 units each of them may have: every one is matched against every text of the answer. */
export const longestStop = 256

/** How many tools a prompt may have. */
export const mostTools = 128
