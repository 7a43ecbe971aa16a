import { show } from '../../operators/index.ts'
import { badInput, type Refusal } from './refusal.ts'

/**
 * The first field of a chat completion that asks for something that is not done here and without which the answer
 * would mean something else; `undefined` where there is none.
 */
export function unsupportedField(body: Readonly<Record<string, unknown>>): Refusal | undefined {
  for (const [field, rule] of Object.entries(rules)) {
    const value = body[field]
    if (value != null && rule.asks(value)) {
      return badInput(field, `${field} ${rule.sentence}, got ${show(value)}`, 'unsupported_parameter')
    }
  }
  return unsupportedMessageField(body['messages'])
}

interface Rule {
  readonly asks: (value: unknown) => boolean
  readonly sentence: string
}

const anything: Rule = { asks: () => true, sentence: 'is not supported' }
const nonEmpty: Rule = { asks: (value) => !isEmpty(value), sentence: 'is not supported' }

const rules: Readonly<Record<string, Rule>> = {
  n: { asks: (value) => value !== 1, sentence: 'must be 1, as several choices are not supported' },
  tools: nonEmpty,
  tool_choice: { asks: (value) => value !== 'none' && value !== 'auto', sentence: 'is not supported' },
  functions: nonEmpty,
  function_call: { asks: (value) => value !== 'none' && value !== 'auto', sentence: 'is not supported' },
  audio: anything,
  modalities: {
    asks: (value) => !(Array.isArray(value) && value.every((kind) => kind === 'text')),
    sentence: 'must be ["text"]',
  },
  response_format: {
    asks: (value) => !(typeof value === 'object' && value !== null && 'type' in value && value.type === 'text'),
    sentence: 'must be { "type": "text" }, as other formats are not supported',
  },
  logprobs: { asks: (value) => value !== false, sentence: 'is not supported' },
  top_logprobs: { asks: (value) => value !== 0, sentence: 'is not supported' },
  logit_bias: nonEmpty,
  web_search_options: anything,
}

/** What a message may carry beside its text. */
const messageFields = ['tool_calls', 'function_call', 'audio']

function unsupportedMessageField(messages: unknown): Refusal | undefined {
  if (!Array.isArray(messages)) return undefined
  for (const [index, message] of messages.entries() as ArrayIterator<[number, unknown]>) {
    if (typeof message !== 'object' || message === null) continue
    const fields = message as Readonly<Record<string, unknown>>
    const field = messageFields.find((name) => fields[name] != null && !isEmpty(fields[name]))
    if (field === undefined) continue
    const param = `messages[${index}].${field}`
    return badInput(param, `${param} is not supported, got ${show(fields[field])}`, 'unsupported_parameter')
  }
  return undefined
}

function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}
