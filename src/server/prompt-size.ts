import type { GenerationParameters } from '../generation-parameters.ts'
import type { ChatMessage } from '../prompt-request.ts'
import { badInput, type Refusal } from './refusal.ts'

/** What the parts of a prompt are called where it came from. */
export interface PromptNames {
  /** E.g. `'messages'`. */
  readonly messages: string
  readonly tools: string
  readonly responseFormat: string
}

/** Why a prompt is too long, if it is: everything that the model reads counts, the schemas too, in UTF-16 code units. */
export function overlongPrompt(
  messages: readonly ChatMessage[],
  { tools, responseFormat }: GenerationParameters,
  promptChars: number,
  names: PromptNames,
): Refusal | undefined {
  const limit = `must hold at most ${promptChars} characters (the limit promptChars)`
  let chars = 0
  for (const { content, reasoning = '', toolCalls = [] } of messages) {
    chars += content.length + reasoning.length
    for (const call of toolCalls) chars += call.name.length + call.arguments.length
  }
  for (const [field, value] of [[names.tools, tools] as const, [names.responseFormat, responseFormat] as const]) {
    if (value === undefined) continue
    const own = JSON.stringify(value).length
    chars += own
    if (own > promptChars) return tooLong(field, `${field} ${limit}`, own)
  }
  if (chars <= promptChars) return undefined
  const alone = tools === undefined && responseFormat === undefined
  const subject = alone ? names.messages : `${names.messages}, tools and schemas together`
  return tooLong(names.messages, `${subject} ${limit}`, chars)
}

function tooLong(param: string, sentence: string, chars: number): Refusal {
  return badInput(param, `${sentence}, got ${chars}`, 'context_length_exceeded')
}
