import { z } from 'zod'
import { show } from '../../operators/index.ts'
import type { GenerationParameters } from '../generation-parameters.ts'
import type { ChatMessage, PromptRequest } from '../prompt-request.ts'
import type { ModelInfo } from '../workers/model-worker.ts'
import { parameterRanges } from '../workers/parameter-ranges.ts'
import { chatMessage } from './chat-message.ts'
import { accepted, type Checked, refused } from './checked.ts'
import { checkedModel } from './checked-model.ts'
import { extraFields } from './extra-fields.ts'
import { numberIn, samplingFields, samplingOf } from './generation-fields.ts'
import { overlongPrompt } from './prompt-size.ts'
import { badInput, type Refusal } from './refusal.ts'
import { schemaRefusal } from './schema-refusal.ts'
import { toolFault, toolFields, toolParametersOf } from './tool-fields.ts'
import { unsupportedByModel, unsupportedField, unsupportedFields } from './unsupported-field.ts'

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
export interface RequestRules {
  /** The models that may be asked for, the default first. */
  readonly models: readonly ModelInfo[]
  /** UTF-16 code units of everything that the model is to read. */
  readonly promptChars: number
}

/** A session's name, however it is given, is no longer than this. */
export const longestSessionName = 512

const schema = z.object({
  model: z.string().min(1).nullish(),
  messages: z.array(chatMessage).min(1),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
  user: z.string().max(longestSessionName).nullish(),
  ...samplingFields,
  max_completion_tokens: numberIn(parameterRanges.maxTokens).nullish(),
  ...toolFields,
  logprobs: z.boolean().nullish(),
  top_logprobs: numberIn(parameterRanges.topLogprobs).nullish(),
  reasoning_effort: z.string().min(1).max(64).nullish(),
  metadata: z.record(z.string(), z.unknown()).nullish(),
})

type Body = z.output<typeof schema>

/** What a body of `POST /v1/chat/completions` looks like; fields that are not in it may be there, too. */
export const chatRequestSchema: z.ZodType = schema

const known: ReadonlySet<string> = new Set([...Object.keys(schema.shape), ...unsupportedFields()])

/**
 * Checks the body of a chat completion.
 *
 * Fields that are not known are passed on to the model's server. Those that would change the meaning of the answer
 * and that nobody here or there can do (audio …) are refused by name. `null` counts as absent.
 */
export function checkChatRequest(body: unknown, rules: RequestRules): Checked<ChatRequest> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return refused(badInput(null, `the body must be a JSON object, got ${show(body)}`, 'invalid_type'))
  }
  const unsupported = unsupportedField(body as Readonly<Record<string, unknown>>)
  if (unsupported !== undefined) return refused(unsupported)
  const result = schema.safeParse(body, { reportInput: true })
  if (!result.success) return refused(schemaRefusal(result.error, 'the body is not a chat completion'))
  const extra = extraFields(body as Readonly<Record<string, unknown>>, known)
  if (!extra.ok) return extra

  const { messages, stream, stream_options: streamOptions, user, metadata } = result.data
  const model = checkedModel(result.data.model, rules.models)
  if (!model.ok) return model
  const parameters = { ...parametersOf(result.data), ...(extra.value !== undefined && { extra: extra.value }) }
  const fault =
    faultIn(result.data) ??
    unsupportedByModel(parameters, model.value, (name) => (name === 'responseFormat' ? wireNames[name] : name)) ??
    overlongPrompt(messages, parameters, rules.promptChars, {
      ...wireNames,
      messages: 'messages',
      tools: 'tools',
      extra: null,
    })
  if (fault !== undefined) return refused(fault)
  return accepted({
    prompt: {
      messages,
      model: model.value.name,
      ...(Object.keys(parameters).length > 0 && { parameters }),
      ...(metadata != null && { metadata }),
    },
    stream: stream ?? false,
    includeUsage: streamOptions?.include_usage ?? false,
    ...(user != null && user !== '' && { user }),
  })
}

/** What is called otherwise here than among the parameters, of those that not all models have. */
const wireNames = { responseFormat: 'response_format' } as const

/** What is wrong with the fields beside one another. */
function faultIn(body: Body): Refusal | undefined {
  if (body.stream_options != null && body.stream !== true) {
    return badInput('stream_options', 'stream_options is only allowed where stream is true')
  }
  if (body.top_logprobs != null && body.top_logprobs > 0 && body.logprobs !== true) {
    return badInput('top_logprobs', 'top_logprobs is only allowed where logprobs is true')
  }
  return emptyPrompt(body.messages) ?? toolFault(body)
}

function emptyPrompt(messages: readonly ChatMessage[]): Refusal | undefined {
  const empty = messages.findIndex((message) => message.role === 'user' && message.content.trim() === '')
  if (empty !== -1) {
    const param = `messages[${empty}].content`
    return badInput(param, `${param} must not be empty`, 'empty_prompt')
  }
  if (messages.every((message) => message.content.trim() === '' && message.toolCalls === undefined)) {
    return badInput('messages', 'messages must hold some text, and all of them are empty', 'empty_prompt')
  }
  return undefined
}

function parametersOf(body: Body): GenerationParameters {
  const { logprobs, top_logprobs: topLogprobs, reasoning_effort: reasoningEffort } = body
  const maxTokens = body.max_completion_tokens
  return {
    ...samplingOf(body),
    ...(maxTokens != null && { maxTokens }),
    ...toolParametersOf(body),
    ...(logprobs != null && { logprobs }),
    ...(logprobs === true && topLogprobs != null && { topLogprobs }),
    ...(reasoningEffort != null && { reasoningEffort }),
  }
}
