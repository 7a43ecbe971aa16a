import type { z } from 'zod'
import type { FinishReason } from '../workers/model-worker.ts'
import { InvalidAnswerError } from './invalid-answer-error.ts'
import type { TextFilter } from './text-filter.ts'

/** The longest answer that is checked, in UTF-16 code units. */
const maxLength = 262_144

/**
 * Lets a text pass, and fails at its end where it is not the JSON that was asked for.
 *
 * What was passed on cannot be taken back, so the error comes in place of the finish reason. A text that the model
 * did not end itself (`length`, `content_filter`, `tool_calls`) says so by its finish reason, and is not checked.
 */
export class JsonCheck implements TextFilter {
  readonly #schema: z.ZodType
  #text = ''

  constructor(schema: z.ZodType) {
    this.#schema = schema
  }

  push(piece: string): string {
    this.#text += piece
    if (this.#text.length <= maxLength) return piece
    throw new InvalidAnswerError(`the answer is longer than the ${maxLength} characters of JSON that can be checked`)
  }

  end(reason?: FinishReason): string {
    if (reason !== undefined && reason !== 'stop') return ''
    const issue = fault(this.#schema, parsed(this.#text))
    if (issue !== undefined) throw new InvalidAnswerError(`the answer does not fit the schema: ${issue}`)
    return ''
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The parser's message quotes the answer.
    throw new InvalidAnswerError('the answer is not valid JSON, which was asked for')
  }
}

/** Where the value is not what it should be, and what was expected there. */
function fault(schema: z.ZodType, value: unknown): string | undefined {
  const result = checked(schema, value)
  const issue = result?.error?.issues[0]
  if (result === undefined) return 'it is nested too deep'
  if (issue === undefined) return undefined
  const message = issue.code === 'unrecognized_keys' ? 'has a key that the schema does not allow' : issue.message
  return `${pathOf(issue.path)}: ${message}`
}

/** `undefined` where the value is nested so deep that the check runs out of stack. */
function checked(schema: z.ZodType, value: unknown): z.ZodSafeParseResult<unknown> | undefined {
  try {
    return schema.safeParse(value)
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

/** `answer.items[0].name`, as one would write it in code. */
function pathOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : `${text}.${String(key)}`),
    'answer',
  )
}
