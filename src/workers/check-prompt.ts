import { show } from '../../operators/index.ts'
import type { ChatRole } from '../prompt-request.ts'
import { InvalidPromptError } from './invalid-prompt-error.ts'
import type { Prompt } from './model-worker.ts'

const roles: readonly ChatRole[] = ['system', 'user', 'assistant', 'tool']

/** The ranges of the numeric parameters, as `GenerationParameters` documents them. */
const ranges: Readonly<Record<string, { readonly min: number; readonly max: number; readonly whole?: true }>> = {
  temperature: { min: 0, max: 2 },
  topP: { min: 0, max: 1 },
  maxTokens: { min: 1, max: Number.MAX_SAFE_INTEGER, whole: true },
  seed: { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER, whole: true },
  frequencyPenalty: { min: -2, max: 2 },
  presencePenalty: { min: -2, max: 2 },
}

/**
 * Checks a prompt that came from a caller; the checks do not trust its type.
 *
 * @param models The models that may be asked for.
 * @param at Where the prompt stands in the caller's input, e.g. `'prompts[2]'`; its fields are named from there.
 * @throws InvalidPromptError naming the first field that is wrong, its value and what was expected.
 */
export function checkPrompt(prompt: unknown, models: readonly string[], at = ''): asserts prompt is Prompt {
  const prefix = at === '' ? '' : `${at}.`
  if (!isRecord(prompt))
    throw new InvalidPromptError(at === '' ? 'prompt' : at, `must be an object, got ${show(prompt)}`)
  checkMessages(`${prefix}messages`, prompt['messages'])
  const model = prompt['model']
  if (model !== undefined && !models.some((known) => known === model)) {
    const known = models.map((name) => JSON.stringify(name)).join(', ')
    throw new InvalidPromptError(`${prefix}model`, `must be one of ${known}, got ${show(model)}`)
  }
  if (prompt['parameters'] !== undefined) checkParameters(`${prefix}parameters`, prompt['parameters'])
}

function checkMessages(field: string, messages: unknown): void {
  if (!Array.isArray(messages))
    throw new InvalidPromptError(field, `must be an array of messages, got ${show(messages)}`)
  if (messages.length === 0) throw new InvalidPromptError(field, 'must hold at least one message, got an empty array')
  for (const [index, message] of messages.entries() as ArrayIterator<[number, unknown]>) {
    const at = `${field}[${index}]`
    if (!isRecord(message)) throw new InvalidPromptError(at, `must be a message, got ${show(message)}`)
    if (!roles.some((role) => role === message['role'])) {
      const expected = roles.map((role) => JSON.stringify(role)).join(', ')
      throw new InvalidPromptError(`${at}.role`, `must be one of ${expected}, got ${show(message['role'])}`)
    }
    checkString(`${at}.content`, message['content'])
    if (message['name'] !== undefined) checkString(`${at}.name`, message['name'])
  }
}

function checkParameters(field: string, parameters: unknown): void {
  if (!isRecord(parameters)) throw new InvalidPromptError(field, `must be an object, got ${show(parameters)}`)
  for (const [name, value] of Object.entries(parameters)) {
    if (value === undefined) continue
    const at = `${field}.${name}`
    if (name === 'stop') {
      checkStop(at, value)
      continue
    }
    const range = Object.hasOwn(ranges, name) ? ranges[name] : undefined
    if (range === undefined) {
      throw new InvalidPromptError(at, `is not a parameter; known are ${Object.keys(ranges).join(', ')}, stop`)
    }
    const { min, max, whole } = range
    const inRange = typeof value === 'number' && value >= min && value <= max
    if (!inRange || (whole === true && !Number.isInteger(value))) {
      const kind = whole === true ? 'a whole number' : 'a number'
      throw new InvalidPromptError(at, `must be ${kind} from ${min} to ${max}, got ${show(value)}`)
    }
  }
}

function checkStop(field: string, stop: unknown): void {
  if (!Array.isArray(stop)) throw new InvalidPromptError(field, `must be an array of texts, got ${show(stop)}`)
  for (const [index, text] of stop.entries() as ArrayIterator<[number, unknown]>) {
    checkString(`${field}[${index}]`, text)
    if (text === '') throw new InvalidPromptError(`${field}[${index}]`, 'must not be empty')
  }
}

function checkString(field: string, value: unknown): void {
  if (typeof value !== 'string') throw new InvalidPromptError(field, `must be a string, got ${show(value)}`)
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
