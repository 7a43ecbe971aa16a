import { z } from 'zod'
import { show } from '../../operators/index.ts'
import { messagesOf, type PromptRequest } from '../prompt-request.ts'
import { checkPrompt } from '../workers/check-prompt.ts'
import { longestSessionName, type RequestRules } from './chat-request.ts'
import { accepted, type Checked, refused } from './checked.ts'
import { type AskedModel, checkedModel } from './checked-model.ts'
import { presentable } from './exchange.ts'
import { refusalBy } from './invalid-prompt.ts'
import { parametersBody } from './parameters-body.ts'
import { overlongPrompt } from './prompt-size.ts'
import { badInput, type Refusal } from './refusal.ts'
import { schemaRefusal } from './schema-refusal.ts'
import { unsupportedByModel } from './unsupported-field.ts'

/** What a prompt request is checked against. */
export interface PromptBodyRules extends RequestRules {
  /** The longest that a request may take; one that allows itself more is given this. */
  readonly deadlineMs?: number | undefined
}

const toolCall = z.strictObject({ id: z.string().min(1), name: z.string().min(1), arguments: z.string() })

const message = z.strictObject({
  role: z.enum(['system', 'user', 'assistant', 'tool']),
  content: z.string(),
  name: z.string().exactOptional(),
  toolCalls: z.array(toolCall).min(1).exactOptional(),
  toolCallId: z.string().min(1).exactOptional(),
  reasoning: z.string().exactOptional(),
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
  parameters: parametersBody.exactOptional(),
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
  if (!result.success) return refused(schemaRefusal(result.error, `${what} is not a prompt request`, promptBodySchema))
  const request: PromptRequest = result.data
  const fault = promptFault(request, promptChars)
  if (fault !== undefined) return refused(fault)
  const model = checkedModel(request.model, models)
  if (!model.ok) return model
  const unfit = modelFault(request, model.value)
  if (unfit !== undefined) return refused(unfit)
  if (deadlineMs === undefined) return accepted(request)
  return accepted({ ...request, deadlineMs: Math.min(request.deadlineMs ?? Infinity, deadlineMs) })
}

function promptFault(request: PromptRequest, promptChars: number): Refusal | undefined {
  const { input, messages, parameters = {} } = request
  if (input !== undefined && messages !== undefined) {
    return badInput('input', 'input must be absent where there are messages', 'invalid_prompt')
  }
  if (messages === undefined && (input ?? '').trim() === '') {
    const sentence =
      input === undefined
        ? 'input is missing: a text that is not empty, or there must be messages'
        : `input must be a text that is not empty, or there must be messages, got ${show(input)}`
    return badInput('input', sentence, 'empty_prompt')
  }
  const asked = messagesOf(request)
  if (asked.every(({ content, toolCalls }) => content.trim() === '' && toolCalls === undefined)) {
    return badInput('messages', 'messages must hold some text, and all of them are empty', 'empty_prompt')
  }
  return overlongPrompt(asked, parameters, promptChars, {
    messages: messages === undefined ? 'input' : 'messages',
    tools: 'parameters.tools',
    responseFormat: 'parameters.responseFormat',
    extra: 'parameters.extra',
  })
}

/** What the model cannot do, and what its worker would find wrong. */
function modelFault(request: PromptRequest, model: AskedModel): Refusal | undefined {
  const { parameters } = request
  if (parameters !== undefined) {
    const unsupported = unsupportedByModel(parameters, model, (name) => `parameters.${name}`)
    if (unsupported !== undefined) return unsupported
  }
  const prompt = { messages: messagesOf(request), ...(parameters !== undefined && { parameters }) }
  return refusalBy(() => {
    checkPrompt(prompt, model.info)
  })
}
