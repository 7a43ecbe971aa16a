import { InvalidPromptError } from '../workers/invalid-prompt-error.ts'
import { badInput, type Refusal } from './refusal.ts'

/** What a check finds wrong that throws an `InvalidPromptError`; `undefined` where it finds nothing. */
export function refusalBy(check: () => void): Refusal | undefined {
  try {
    check()
    return undefined
  } catch (error) {
    if (error instanceof InvalidPromptError) return badInput(error.field, error.message)
    throw error
  }
}
