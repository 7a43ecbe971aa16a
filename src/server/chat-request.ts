import { z } from 'zod'
import { show } from '../../operators/index.ts'
import type { GenerationParameters } from '../generation-parameters.ts'
import type { PromptRequest } from '../prompt-request.ts'
import { accepted, type Checked, refused } from './checked.ts'
import { badInput, type Refusal } from './refusal.ts'
import { schemaRefusal } from './schema-refusal.ts'
import { unknownModel } from './unknown-model.ts'
import { unsupportedField } from './unsupported-field.ts'

/** A body of `POST /v1/chat/completions` that has been checked. */
export interface ChatRequest {
  /** What the pipeline is asked, still without its id and session. */
  readonly prompt: PromptRequest & Required<Pick<PromptRequest, 'messages' | 'model'>>
  /** Whether the answer is sent piece by piece. */
  readonly stream: boolean
  /** Whether a streamed answer ends with its usage. */
  readonly includeUsage: boolean
  /** The caller's name for its user, which stands for a session. */
  readonly user?: string
}

/** What a request is checked against. */
export interface ChatRequestRules {
  /** The models that may be asked for, the default first. */
  readonly models: readonly string[]
  /** UTF-16 code units of all messages together. */
  readonly promptChars: number
}

/** A session's name, however it is given, is no longer than this. */
export const longestSessionName = 512

/** Parts of text are joined: a message travels as one string. */
const content = z.unknown().transform((value, context): string => {
  if (typeof value === 'string') return value
  const fail = (message: string, ...path: PropertyKey[]): never => {
    context.addIssue({ code: 'custom', message, path, input: value })
    return z.NEVER
  }
  if (value === undefined) return fail('is required: a string or an array of text parts')
  if (!Array.isArray(value)) return fail(`must be a string or an array of text parts, got ${show(value)}`)
  if (value.length === 0) return fail('must not be an empty array')
  let text = ''
  for (const [index, part] of value.entries() as ArrayIterator<[number, unknown]>) {
    if (typeof part !== 'object' || part === null) return fail(`must be a text part, got ${show(part)}`, index)
    const { type, text: piece } = part as { readonly type?: unknown; readonly text?: unknown }
    if (type !== 'text')
      return fail(`must be "text", the only kind of part that is supported, got ${show(type)}`, index, 'type')
    if (typeof piece !== 'string') return fail(`must be a string, got ${show(piece)}`, index, 'text')
    text += piece
  }
  return text
})

const role = z
  .enum(['system', 'developer', 'user', 'assistant', 'tool'])
  // OpenAI's newer name for the same thing, which chat templates do not know.
  .transform((name) => (name === 'developer' ? 'system' : name))

const message = z.object({ role, content, name: z.string().nullish() })

const stop = z.union([z.string().min(1), z.array(z.string().min(1)).max(16)], {
  error: () => 'must be a string or an array of at most 16 strings, none of them empty',
})

const schema = z.object({
  model: z.string().min(1).nullish(),
  messages: z.array(message).min(1),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
  user: z.string().max(longestSessionName).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  max_tokens: z.int().min(1).nullish(),
  max_completion_tokens: z.int().min(1).nullish(),
  stop: stop.nullish(),
  seed: z.int().nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  metadata: z.record(z.string(), z.unknown()).nullish(),
})

type Body = z.output<typeof schema>

/**
 * Checks the body of a chat completion.
 *
 * Fields that are not known are left alone, as OpenAI's clients send many; those that would change the meaning of
 * the answer and are not supported (tools, several choices, audio …) are refused by name. `null` counts as absent.
 */
export function checkChatRequest(body: unknown, { models, promptChars }: ChatRequestRules): Checked<ChatRequest> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return refused(badInput(null, `the body must be a JSON object, got ${show(body)}`, 'invalid_type'))
  }
  const unsupported = unsupportedField(body as Readonly<Record<string, unknown>>)
  if (unsupported !== undefined) return refused(unsupported)
  const result = schema.safeParse(body, { reportInput: true })
  if (!result.success) return refused(schemaRefusal(result.error, 'the body is not a chat completion'))

  const { messages, stream, stream_options: streamOptions, user, metadata } = result.data
  if (streamOptions != null && stream !== true) {
    return refused(badInput('stream_options', 'stream_options is only allowed where stream is true'))
  }
  const model = result.data.model ?? models[0]
  if (model === undefined || !models.includes(model)) {
    return refused(unknownModel(model, models))
  }
  const fault = emptyPrompt(messages) ?? overlongPrompt(messages, promptChars)
  if (fault !== undefined) return refused(fault)
  const parameters = parametersOf(result.data)
  return accepted({
    prompt: {
      messages: messages.map(({ role, content, name }) => ({ role, content, ...(name != null && { name }) })),
      model,
      ...(parameters !== undefined && { parameters }),
      ...(metadata != null && { metadata }),
    },
    stream: stream ?? false,
    includeUsage: streamOptions?.include_usage ?? false,
    ...(user != null && user !== '' && { user }),
  })
}

function emptyPrompt(messages: Body['messages']): Refusal | undefined {
  const empty = messages.findIndex((message) => message.role === 'user' && message.content.trim() === '')
  if (empty !== -1) {
    const param = `messages[${empty}].content`
    return badInput(param, `${param} must not be empty`, 'empty_prompt')
  }
  if (messages.every((message) => message.content.trim() === '')) {
    return badInput('messages', 'messages must hold some text, and all of them are empty', 'empty_prompt')
  }
  return undefined
}

function overlongPrompt(messages: Body['messages'], promptChars: number): Refusal | undefined {
  const chars = messages.reduce((sum, message) => sum + message.content.length, 0)
  if (chars <= promptChars) return undefined
  const sentence = `messages must hold at most ${promptChars} characters together, got ${chars}`
  return badInput('messages', sentence, 'context_length_exceeded')
}

function parametersOf(body: Body): GenerationParameters | undefined {
  const maxTokens = body.max_completion_tokens ?? body.max_tokens
  const parameters: GenerationParameters = {
    ...(body.temperature != null && { temperature: body.temperature }),
    ...(body.top_p != null && { topP: body.top_p }),
    ...(maxTokens != null && { maxTokens }),
    ...(body.stop != null && { stop: typeof body.stop === 'string' ? [body.stop] : body.stop }),
    ...(body.seed != null && { seed: body.seed }),
    ...(body.frequency_penalty != null && { frequencyPenalty: body.frequency_penalty }),
    ...(body.presence_penalty != null && { presencePenalty: body.presence_penalty }),
  }
  return Object.keys(parameters).length === 0 ? undefined : parameters
}
