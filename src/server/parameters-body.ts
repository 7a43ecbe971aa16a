import { z } from 'zod'
import { show } from '../../operators/index.ts'
import type { GenerationParameters } from '../generation-parameters.ts'
import { mostTools, parameterRanges } from '../workers/parameter-ranges.ts'
import { logitBias, numberIn, stopTexts } from './generation-fields.ts'

const json = z.record(z.string(), z.unknown())

const tool = z.strictObject({
  name: z.string().min(1).max(256),
  description: z.string().exactOptional(),
  parameters: json.exactOptional(),
  strict: z.boolean().exactOptional(),
})

const toolChoice = z.union(
  [z.enum(['auto', 'none', 'required']), z.strictObject({ name: z.string().min(1).max(256) })],
  { error: ({ input }) => `must be "auto", "none", "required" or { "name": … }, got ${show(input)}` },
)

const responseFormat = z.strictObject({
  type: z.enum(['text', 'json_object', 'json_schema']),
  name: z.string().min(1).max(256).exactOptional(),
  description: z.string().exactOptional(),
  schema: json.exactOptional(),
  strict: z.boolean().exactOptional(),
})

/** `GenerationParameters` as JSON. How they go with one another, and with the model, is left to the worker's own check. */
export const parametersBody: z.ZodType<GenerationParameters> = z.strictObject({
  temperature: numberIn(parameterRanges.temperature).exactOptional(),
  topP: numberIn(parameterRanges.topP).exactOptional(),
  maxTokens: numberIn(parameterRanges.maxTokens).exactOptional(),
  stop: stopTexts.exactOptional(),
  seed: numberIn(parameterRanges.seed).exactOptional(),
  frequencyPenalty: numberIn(parameterRanges.frequencyPenalty).exactOptional(),
  presencePenalty: numberIn(parameterRanges.presencePenalty).exactOptional(),
  n: numberIn(parameterRanges.n).exactOptional(),
  tools: z.array(tool).max(mostTools).exactOptional(),
  toolChoice: toolChoice.exactOptional(),
  parallelToolCalls: z.boolean().exactOptional(),
  responseFormat: responseFormat.exactOptional(),
  logprobs: z.boolean().exactOptional(),
  topLogprobs: numberIn(parameterRanges.topLogprobs).exactOptional(),
  logitBias: logitBias.exactOptional(),
  reasoningEffort: z.string().min(1).max(64).exactOptional(),
  extra: json.exactOptional(),
})
