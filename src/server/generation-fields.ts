import { z } from 'zod'
import type { GenerationParameters } from '../generation-parameters.ts'

const stop = z.union([z.string().min(1), z.array(z.string().min(1)).max(16)], {
  error: () => 'must be a string or an array of at most 16 strings, none of them empty',
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
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  max_tokens: z.int().min(1).nullish(),
  stop: stop.nullish(),
  seed: z.int().nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  n: z.int().min(1).max(128).nullish(),
  logit_bias: z.record(z.string(), z.number().min(-100).max(100)).nullish(),
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
