import { z } from 'zod'
import { show } from '../../operators/index.ts'
import type { TextPrompt } from '../workers/text-prompt.ts'
import { longestSessionName, type RequestRules } from './chat-request.ts'
import { accepted, type Checked, refused } from './checked.ts'
import { checkedModel } from './checked-model.ts'
import { extraFields } from './extra-fields.ts'
import { samplingFields, samplingOf } from './generation-fields.ts'
import { badInput, type Refusal } from './refusal.ts'
import { schemaRefusal } from './schema-refusal.ts'
import { charsOf, textInput } from './text-input.ts'

/** A body of `POST /v1/completions` that has been checked. */
export interface CompletionRequest {
  readonly prompt: TextPrompt & Required<Pick<TextPrompt, 'model'>>
  readonly stream: boolean
  /** Whether a streamed answer ends with its usage. */
  readonly includeUsage: boolean
}

const schema = z.object({
  model: z.string().min(1).nullish(),
  prompt: textInput,
  suffix: z.string().nullish(),
  echo: z.boolean().nullish(),
  best_of: z.int().min(1).max(128).nullish(),
  logprobs: z.int().min(0).max(20).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
  user: z.string().max(longestSessionName).nullish(),
  ...samplingFields,
})

/** What a body of `POST /v1/completions` looks like; fields that are not in it may be there, too. */
export const completionRequestSchema: z.ZodType = schema

const known: ReadonlySet<string> = new Set(Object.keys(schema.shape))

/** Checks the body of a completion of bare text, as `checkChatRequest` does that of a chat's. */
export function checkCompletionRequest(body: unknown, rules: RequestRules): Checked<CompletionRequest> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return refused(badInput(null, `the body must be a JSON object, got ${show(body)}`, 'invalid_type'))
  }
  const fields = body as Readonly<Record<string, unknown>>
  // Its schema takes any kind of value, and so does not miss it.
  const result = schema.safeParse({ ...fields, prompt: fields['prompt'] }, { reportInput: true })
  if (!result.success) return refused(schemaRefusal(result.error, 'the body is not a completion'))
  const extra = extraFields(fields, known)
  if (!extra.ok) return extra
  const model = checkedModel(result.data.model, rules.models, 'completions')
  if (!model.ok) return model
  const fault = faultIn(result.data, extra.value, rules.promptChars)
  if (fault !== undefined) return refused(fault)

  const { prompt, suffix, echo, best_of: bestOf, logprobs, stream, stream_options: streamOptions } = result.data
  const parameters = {
    ...samplingOf(result.data),
    ...(logprobs != null && { logprobs: true, topLogprobs: logprobs }),
    ...(extra.value !== undefined && { extra: extra.value }),
  }
  return accepted({
    prompt: {
      prompts: prompt,
      model: model.value.name,
      ...(suffix != null && { suffix }),
      ...(echo != null && { echo }),
      ...(bestOf != null && { bestOf }),
      ...(Object.keys(parameters).length > 0 && { parameters }),
    },
    stream: stream ?? false,
    includeUsage: streamOptions?.include_usage ?? false,
  })
}

function faultIn(body: z.output<typeof schema>, extra: object | undefined, promptChars: number): Refusal | undefined {
  if (body.stream_options != null && body.stream !== true) {
    return badInput('stream_options', 'stream_options is only allowed where stream is true')
  }
  const n = body.n ?? 1
  if (body.best_of != null && body.best_of < n) {
    return badInput('best_of', `best_of must be at least n, which is ${n}, got ${body.best_of}`)
  }
  if (body.stream === true && body.best_of != null && body.best_of > n) {
    return badInput('best_of', `best_of must be n where stream is true, got ${body.best_of}: the best are known last`)
  }
  const chars =
    charsOf(body.prompt) + (body.suffix?.length ?? 0) + (extra === undefined ? 0 : JSON.stringify(extra).length)
  if (chars <= promptChars) return undefined
  const subject = extra === undefined ? 'prompt' : "prompt and the fields that are only the model's"
  const sentence = `${subject} must hold at most ${promptChars} characters or tokens together (the limit promptChars), got ${chars}`
  return badInput('prompt', sentence, 'context_length_exceeded')
}
