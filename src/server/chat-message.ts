import { z } from 'zod'
import { show } from '../../operators/index.ts'
import type { ChatMessage } from '../prompt-request.ts'
import { describedAs } from './described-as.ts'

/** Says what is wrong with a field of the value that is being read. */
type Fail = (message: string, ...path: PropertyKey[]) => never

const textPart = z.union([
  z.object({ type: z.literal('text'), text: z.string() }),
  z.object({ type: z.literal('refusal'), refusal: z.string() }),
])

const readContent = z.unknown().transform((value, context): string | undefined => {
  if (value == null) return undefined
  if (typeof value === 'string') return value
  const fail: Fail = (message, ...path) => {
    context.addIssue({ code: 'custom', message, path, input: value })
    return z.NEVER
  }
  if (!Array.isArray(value)) return fail(`must be a string or an array of text parts, got ${show(value)}`)
  if (value.length === 0) return fail('must not be an empty array')
  let text = ''
  for (const [index, part] of value.entries() as ArrayIterator<[number, unknown]>) {
    const piece = textOfPart(part, index, fail)
    if (typeof piece !== 'string') return piece
    text += piece
  }
  return text
})

/** Parts of text are joined: a message travels as one string. */
const content = readContent.meta(describedAs(z.union([z.string(), z.array(textPart).min(1), z.null()])))

function textOfPart(part: unknown, index: number, fail: Fail): string {
  if (typeof part !== 'object' || part === null) return fail(`must be a text part, got ${show(part)}`, index)
  const fields = part as Readonly<Record<string, unknown>>
  const { type } = fields
  if (type !== 'text' && type !== 'refusal') {
    return fail(`must be "text", the only kind of part that is supported, got ${show(type)}`, index, 'type')
  }
  const piece = fields[type]
  return typeof piece === 'string' ? piece : fail(`must be a string, got ${show(piece)}`, index, type)
}

const role = z
  .enum(['system', 'developer', 'user', 'assistant', 'tool'])
  // OpenAI's newer name for the same thing, which chat templates do not know.
  .transform((name) => (name === 'developer' ? 'system' : name))

const toolCall = z.object({
  id: z.string().min(1),
  type: z.literal('function').nullish(),
  function: z.object({ name: z.string().min(1), arguments: z.string() }),
})

/** A message as OpenAI's clients send it, read as one of ours. */
export const chatMessage: z.ZodType<ChatMessage> = z
  .object({
    role,
    content: content.optional(),
    name: z.string().nullish(),
    tool_calls: z.array(toolCall).nullish(),
    tool_call_id: z.string().min(1).nullish(),
    refusal: z.string().nullish(),
    reasoning_content: z.string().nullish(),
    reasoning: z.string().nullish(),
  })
  .transform((message, context): ChatMessage => {
    const { role, name, tool_calls: calls, tool_call_id: callId } = message
    const fail: Fail = (sentence, ...path) => {
      // The schema's own message for what is absent has no input, and its code says so.
      context.addIssue({ code: 'custom', message: sentence, path, input: message[path[0] as keyof typeof message] })
      return z.NEVER
    }
    const hasCalls = calls != null && calls.length > 0
    if (hasCalls && role !== 'assistant') return fail(onlyFor('assistant', role), 'tool_calls')
    if (callId != null && role !== 'tool') return fail(onlyFor('tool', role), 'tool_call_id')
    if (callId == null && role === 'tool')
      return fail('is required: the id of the call that this answers', 'tool_call_id')
    // A model that sees its refusal again has said it.
    const text = message.content ?? message.refusal ?? (hasCalls ? '' : undefined)
    if (text === undefined) return fail('is required: a string or an array of text parts', 'content')
    const reasoning = message.reasoning_content ?? message.reasoning
    return {
      role,
      content: text,
      ...(name != null && { name }),
      ...(hasCalls && { toolCalls: calls.map(({ id, function: called }) => ({ id, ...called })) }),
      ...(callId != null && { toolCallId: callId }),
      ...(role === 'assistant' && reasoning != null && reasoning !== '' && { reasoning }),
    }
  })

function onlyFor(allowed: string, role: string): string {
  return `is only allowed in a message of role "${allowed}", got ${show(role)}`
}
