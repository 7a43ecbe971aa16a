import { show } from '../../operators/index.ts'
import type { PromptRequest } from '../prompt-request.ts'
import { InvalidPromptError } from '../workers/invalid-prompt-error.ts'

/**
 * Checks what a caller asks, before anything is spent on it; the check does not trust its type.
 *
 * @throws InvalidPromptError naming the field that is wrong.
 */
export function checkRequest(request: PromptRequest | null): void {
  const { input, messages } = (typeof request === 'object' ? (request ?? {}) : {}) as {
    readonly input?: unknown
    readonly messages?: unknown
  }
  if (messages !== undefined) {
    if (input !== undefined) throw new InvalidPromptError('input', 'must be absent where there are messages')
    if (!Array.isArray(messages) || messages.length === 0) {
      throw new InvalidPromptError('messages', `must be an array with at least one message, got ${show(messages)}`)
    }
  } else if (typeof input !== 'string' || input.trim() === '') {
    throw new InvalidPromptError(
      'input',
      `must be a text that is not empty, or there must be messages, got ${show(input)}`,
    )
  }
}
