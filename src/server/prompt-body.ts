import { z } from 'zod'
import { show } from '../../operators/index.ts'
import type { PromptRequest } from '../prompt-request.ts'
import { longestSessionName } from './chat-request.ts'
import { accepted, type Checked, refused } from './checked.ts'
import { badInput, type Refusal } from './refusal.ts'
import { presentable } from './exchange.ts'
import { schemaRefusal } from './schema-refusal.ts'
import { unknownModel } from './unknown-model.ts'

/** What a prompt request is checked against. */
export interface PromptBodyRules {
  /** The models that may be asked for, the default first. */
  readonly models: readonly string[]
  /** UTF-16 code units of all messages together. */
  readonly promptChars: number
  /** The longest that a request may take; one that allows itself more is given this. */
  readonly deadlineMs?: number | undefined
}

const message = z.strictObject({
  role: z.enum(['system', 'user', 'assistant', 'tool']),
  content: z.string(),
  name: z.string().exactOptional(),
})

const parameters = z.strictObject({
  temperature: z.number().min(0).max(2).exactOptional(),
  topP: z.number().min(0).max(1).exactOptional(),
  maxTokens: z.int().min(1).exactOptional(),
  stop: z.array(z.string().min(1)).max(16).exactOptional(),
  seed: z.int().exactOptional(),
  frequencyPenalty: z.number().min(-2).max(2).exactOptional(),
  presencePenalty: z.number().min(-2).max(2).exactOptional(),
})

/** A `PromptRequest` as JSON: the body of the native route, and the `request` of a WebSocket's `submit`. */
export const promptBodySchema: z.ZodType<PromptRequest> = z.strictObject({
  id: z.string().regex(presentable, 'must be 1 to 128 visible ASCII characters').exactOptional(),
  session: z.string().min(1).max(longestSessionName).exactOptional(),
  input: z.string().exactOptional(),
  messages: z.array(message).min(1).exactOptional(),
  priority: z.enum(['low', 'normal', 'high']).exactOptional(),
  deadlineMs: z.number().min(1).exactOptional(),
  model: z.string().min(1).exactOptional(),
  parameters: parameters.exactOptional(),
  metadata: z.record(z.string(), z.unknown()).exactOptional(),
})

/**
 * Checks a `PromptRequest` that came as JSON. Unlike OpenAI's routes the native ones know all of their fields, so
 * that one which is not known is refused: it is a mistake, and the answer would not heed it.
 *
 * @param what How the JSON is called in a refusal, e.g. `'the body'`.
 */
export function checkPromptRequest(
  body: unknown,
  { models, promptChars, deadlineMs }: PromptBodyRules,
  what = 'the body',
): Checked<PromptRequest> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return refused(badInput(null, `${what} must be a JSON object, got ${show(body)}`, 'invalid_type'))
  }
  const result = promptBodySchema.safeParse(body, { reportInput: true })
  if (!result.success) return refused(schemaRefusal(result.error, `${what} is not a prompt request`))
  const request: PromptRequest = result.data
  const fault = promptFault(request, promptChars)
  if (fault !== undefined) return refused(fault)
  if (request.model !== undefined && !models.includes(request.model)) {
    return refused(unknownModel(request.model, models))
  }
  if (deadlineMs === undefined) return accepted(request)
  return accepted({ ...request, deadlineMs: Math.min(request.deadlineMs ?? Infinity, deadlineMs) })
}

function promptFault({ input, messages }: PromptRequest, promptChars: number): Refusal | undefined {
  if (input !== undefined && messages !== undefined) {
    return badInput('input', 'input must be absent where there are messages', 'invalid_prompt')
  }
  if (messages === undefined && (input ?? '').trim() === '') {
    const sentence = `input must be a text that is not empty, or there must be messages, got ${show(input)}`
    return badInput('input', sentence, 'empty_prompt')
  }
  const field = messages === undefined ? 'input' : 'messages'
  const texts = messages?.map(({ content }) => content) ?? [input ?? '']
  if (texts.every((text) => text.trim() === '')) {
    return badInput(field, 'messages must hold some text, and all of them are empty', 'empty_prompt')
  }
  const chars = texts.reduce((sum, text) => sum + text.length, 0)
  if (chars <= promptChars) return undefined
  const sentence = `${field} must hold at most ${promptChars} characters (the limit promptChars), got ${chars}`
  return badInput(field, sentence, 'context_length_exceeded')
}
