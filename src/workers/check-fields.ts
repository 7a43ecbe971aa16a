import { show } from '../../operators/index.ts'
import { InvalidPromptError } from './invalid-prompt-error.ts'

/**
 * Checks of the fields of a prompt that came from a caller: each throws an `InvalidPromptError` that names the
 * field, its value and what was expected.
 */

/** An object whose fields may be looked at. */
export type Fields = Readonly<Record<string, unknown>>

export function fieldsOf(field: string, value: unknown, expected = 'an object'): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields
  throw new InvalidPromptError(field, `must be ${expected}, got ${show(value)}`)
}

export function listOf(field: string, value: unknown, expected: string): readonly unknown[] {
  if (Array.isArray(value)) return value
  throw new InvalidPromptError(field, `must be an array of ${expected}, got ${show(value)}`)
}

export function checkString(field: string, value: unknown): asserts value is string {
  if (typeof value !== 'string') throw new InvalidPromptError(field, `must be a string, got ${show(value)}`)
}

export function checkName(field: string, value: unknown): asserts value is string {
  checkString(field, value)
  if (value === '') throw new InvalidPromptError(field, 'must not be empty')
}

export function checkFlag(field: string, value: unknown): void {
  if (typeof value !== 'boolean') throw new InvalidPromptError(field, `must be true or false, got ${show(value)}`)
}

/** What a number may be; both ends belong to the range. */
export interface FieldRange {
  readonly min: number
  readonly max: number
  readonly whole?: true
}

export function checkRange(field: string, value: unknown, { min, max, whole }: FieldRange): void {
  const inRange = typeof value === 'number' && value >= min && value <= max
  if (inRange && (whole !== true || Number.isInteger(value))) return
  const kind = whole === true ? 'a whole number' : 'a number'
  throw new InvalidPromptError(field, `must be ${kind} from ${min} to ${max}, got ${show(value)}`)
}

export function checkChoiceOf(field: string, value: unknown, allowed: readonly string[]): void {
  if (allowed.some((candidate) => candidate === value)) return
  const expected = allowed.map((candidate) => JSON.stringify(candidate)).join(', ')
  throw new InvalidPromptError(field, `must be one of ${expected}, got ${show(value)}`)
}

/** Fields of the model's own server: few, and none that the call's own fields decide. */
export function checkExtra(field: string, value: unknown): void {
  const names = Object.keys(fieldsOf(field, value))
  if (names.length > mostExtra) {
    throw new InvalidPromptError(field, `must have at most ${mostExtra} fields, got ${names.length}`)
  }
  const taken = names.find(isOwnField)
  if (taken !== undefined) {
    throw new InvalidPromptError(`${field}.${taken}`, 'is decided by another field of the prompt, or by the worker')
  }
}

/** How many fields `extra` may have. */
export const mostExtra = 64

/** Whether a field of the wire has a name of its own in a prompt, or frames the call. */
export function isOwnField(name: string): boolean {
  return ownFields.has(name)
}

const ownFields: ReadonlySet<string> = new Set([
  ...['model', 'messages', 'stream', 'stream_options', 'n', 'stop', 'seed', 'temperature', 'top_p', 'max_tokens'],
  ...['max_completion_tokens', 'frequency_penalty', 'presence_penalty', 'tools', 'tool_choice', 'parallel_tool_calls'],
  ...['response_format', 'logprobs', 'top_logprobs', 'logit_bias', 'reasoning_effort', '__proto__'],
])
