import type { GenerationParameters } from '../generation-parameters.ts'
import type { ChatMessage } from '../prompt-request.ts'
import { badInput, type Refusal } from './refusal.ts'

/** What the parts of a prompt are called where it came from. */
export interface PromptNames {
  /** E.g. `'messages'`. */
  readonly messages: string
  readonly tools: string
  readonly responseFormat: string
  /** `null` where they are not in a field of their own. */
  readonly extra: string | null
}

/** Why a prompt is too long, if it is: everything that the model reads counts, names, ids and schemas too, in UTF-16 code units. */
export function overlongPrompt(
  messages: readonly ChatMessage[],
  { tools, responseFormat, extra }: GenerationParameters,
  promptChars: number,
  names: PromptNames,
): Refusal | undefined {
  const limit = `must hold at most ${promptChars} characters (the limit promptChars)`
  let chars = 0
  for (const { content, reasoning = '', name = '', toolCallId = '', toolCalls = [] } of messages) {
    chars += content.length + reasoning.length + name.length + toolCallId.length
    for (const call of toolCalls) chars += call.id.length + call.name.length + call.arguments.length
  }
  const others: readonly (readonly [string | null, object | undefined])[] = [
    [names.tools, tools],
    [names.responseFormat, responseFormat],
    [names.extra, extra],
  ]
  for (const [field, value] of others) {
    if (value === undefined) continue
    const own = JSON.stringify(value).length
    chars += own
    if (own > promptChars) return tooLong(field, `${field ?? "the fields that are only the model's"} ${limit}`, own)
  }
  if (chars <= promptChars) return undefined
  const alone = others.every(([, value]) => value === undefined)
  const subject = alone ? names.messages : `${names.messages}, tools, schemas and extra fields together`
  return tooLong(names.messages, `${subject} ${limit}`, chars)
}

function tooLong(param: string | null, sentence: string, chars: number): Refusal {
  return badInput(param, `${sentence}, got ${chars}`, 'context_length_exceeded')
}
