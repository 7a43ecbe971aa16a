import { z } from 'zod'
import { show } from '../../operators/index.ts'
import type { GenerationParameters } from '../generation-parameters.ts'
import type { FieldRange } from '../workers/check-fields.ts'
import { biasRange, longestStop, mostStops, parameterRanges } from '../workers/parameter-ranges.ts'

/** A number within a range. */
export function numberIn({ min, max, whole }: FieldRange): z.ZodNumber {
  return (whole === true ? z.int() : z.number()).min(min).max(max)
}

/** By token id: what is added to its logit. */
export const logitBias: z.ZodType<Readonly<Record<string, number>>> = z.record(z.string(), numberIn(biasRange))

const stopText = z.string().min(1).max(longestStop)

/** Texts that end the answer. */
export const stopTexts: z.ZodType<readonly string[]> = z.array(stopText).max(mostStops)

const stop = z.union([stopText, stopTexts], {
  error: ({ input }) =>
    `must be a string or an array of at most ${mostStops} strings, each 1 to ${longestStop} long, got ${show(input)}`,
})

/** Schemas of a body's fields by their names; each may be absent or `null` where its type says so. */
export type FieldSchemas<Body> = { readonly [Name in keyof Body]: z.ZodType<Body[Name]> }

/** What is optional in a body: `null` counts as absent. */
export type Given<T> = T | null | undefined

/** How to generate, as the wire has it. */
export interface SamplingBody {
  readonly temperature: Given<number>
  readonly top_p: Given<number>
  readonly max_tokens: Given<number>
  readonly stop: Given<string | readonly string[]>
  readonly seed: Given<number>
  readonly frequency_penalty: Given<number>
  readonly presence_penalty: Given<number>
  readonly n: Given<number>
  readonly logit_bias: Given<Readonly<Record<string, number>>>
}

/** The fields of how to generate that chat completions and completions of bare text have alike. */
export const samplingFields: FieldSchemas<SamplingBody> = {
  temperature: numberIn(parameterRanges.temperature).nullish(),
  top_p: numberIn(parameterRanges.topP).nullish(),
  max_tokens: numberIn(parameterRanges.maxTokens).nullish(),
  stop: stop.nullish(),
  seed: numberIn(parameterRanges.seed).nullish(),
  frequency_penalty: numberIn(parameterRanges.frequencyPenalty).nullish(),
  presence_penalty: numberIn(parameterRanges.presencePenalty).nullish(),
  n: numberIn(parameterRanges.n).nullish(),
  logit_bias: logitBias.nullish(),
}

/** These fields as parameters. */
export function samplingOf(body: SamplingBody): GenerationParameters {
  return {
    ...(body.temperature != null && { temperature: body.temperature }),
    ...(body.top_p != null && { topP: body.top_p }),
    ...(body.max_tokens != null && { maxTokens: body.max_tokens }),
    ...(body.stop != null && { stop: typeof body.stop === 'string' ? [body.stop] : body.stop }),
    ...(body.seed != null && { seed: body.seed }),
    ...(body.frequency_penalty != null && { frequencyPenalty: body.frequency_penalty }),
    ...(body.presence_penalty != null && { presencePenalty: body.presence_penalty }),
    ...(body.n != null && { n: body.n }),
    ...(body.logit_bias != null && { logitBias: body.logit_bias }),
  }
}
