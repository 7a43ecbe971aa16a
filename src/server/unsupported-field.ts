import { show } from '../../operators/index.ts'
import type { GenerationParameters } from '../generation-parameters.ts'
import { unsupportedParameter } from '../workers/check-parameters.ts'
import type { AskedModel } from './checked-model.ts'
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

/** The names of the fields that are looked at here. */
export function unsupportedFields(): readonly string[] {
  return Object.keys(rules)
}

/**
 * As `unsupportedField`, of what another model may do.
 *
 * @param fieldOf How a parameter is called where it came from.
 */
export function unsupportedByModel(
  parameters: GenerationParameters,
  { name, info }: AskedModel,
  fieldOf: (parameter: keyof GenerationParameters) => string,
): Refusal | undefined {
  const parameter = unsupportedParameter(parameters, info.capabilities)
  if (parameter === undefined) return undefined
  const field = fieldOf(parameter)
  const sentence = `${field} is not supported by the model ${show(name)}, got ${show(parameters[parameter])}`
  return badInput(field, sentence, 'unsupported_parameter')
}

interface Rule {
  readonly asks: (value: unknown) => boolean
  readonly sentence: string
}

const anything: Rule = { asks: () => true, sentence: 'is not supported' }

const rules: Readonly<Record<string, Rule>> = {
  functions: { asks: (value) => !isEmpty(value), sentence: 'is not supported; use tools' },
  function_call: {
    asks: (value) => value !== 'none' && value !== 'auto',
    sentence: 'is not supported; use tool_choice',
  },
  audio: anything,
  modalities: {
    asks: (value) => !(Array.isArray(value) && value.every((kind) => kind === 'text')),
    sentence: 'must be ["text"]',
  },
  web_search_options: anything,
}

/** What a message may carry beside its text. */
const messageFields = ['function_call', 'audio']

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
