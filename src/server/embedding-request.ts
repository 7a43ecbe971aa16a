import { z } from 'zod'
import { show } from '../../operators/index.ts'
import type { EmbeddingRequest } from '../workers/embeddings.ts'
import { longestSessionName, type RequestRules } from './chat-request.ts'
import { accepted, type Checked, refused } from './checked.ts'
import { checkedModel } from './checked-model.ts'
import { extraFields } from './extra-fields.ts'
import { badInput } from './refusal.ts'
import { schemaRefusal } from './schema-refusal.ts'
import { charsOf, textInput } from './text-input.ts'

/** A body of `POST /v1/embeddings` that has been checked. */
export interface CheckedEmbedding {
  readonly request: EmbeddingRequest & Required<Pick<EmbeddingRequest, 'model'>>
  /** How the vectors are written: as numbers, or as the base64 of little-endian 32-bit floats. */
  readonly encoding: 'float' | 'base64'
}

const schema = z.object({
  model: z.string().min(1).nullish(),
  input: textInput,
  dimensions: z.int().min(1).max(65_536).nullish(),
  encoding_format: z.enum(['float', 'base64']).nullish(),
  user: z.string().max(longestSessionName).nullish(),
})

/** What a body of `POST /v1/embeddings` looks like; fields that are not in it may be there, too. */
export const embeddingRequestSchema: z.ZodType = schema

const known: ReadonlySet<string> = new Set(Object.keys(schema.shape))

/** Checks the body of a request for vectors, as `checkChatRequest` does that of a chat's. */
export function checkEmbeddingRequest(body: unknown, rules: RequestRules): Checked<CheckedEmbedding> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return refused(badInput(null, `the body must be a JSON object, got ${show(body)}`, 'invalid_type'))
  }
  const fields = body as Readonly<Record<string, unknown>>
  // Its schema takes any kind of value, and so does not miss it.
  const result = schema.safeParse({ ...fields, input: fields['input'] }, { reportInput: true })
  if (!result.success) return refused(schemaRefusal(result.error, 'the body is not a request for embeddings'))
  const extra = extraFields(fields, known)
  if (!extra.ok) return extra
  const model = checkedModel(result.data.model, rules.models, 'embeddings')
  if (!model.ok) return model
  const { input, dimensions, encoding_format: encoding } = result.data
  const chars = charsOf(input)
  if (chars > rules.promptChars) {
    const sentence = `input must hold at most ${rules.promptChars} characters or tokens together (the limit promptChars), got ${chars}`
    return refused(badInput('input', sentence, 'context_length_exceeded'))
  }
  const empty = input.findIndex((text) => text === '')
  if (empty !== -1) return refused(badInput('input', 'input must not hold an empty text', 'invalid_value'))
  return accepted({
    request: {
      input,
      model: model.value.name,
      ...(dimensions != null && { dimensions }),
      ...(extra.value !== undefined && { extra: extra.value }),
    },
    encoding: encoding ?? 'float',
  })
}
