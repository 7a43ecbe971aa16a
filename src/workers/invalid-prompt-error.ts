import { SpillwayError } from '../../operators/index.ts'

/** A worker was given a prompt that it cannot take: `field` says what is wrong with it, e.g. `messages[1].content`. */
export class InvalidPromptError extends SpillwayError {
  override readonly code = 'invalid_prompt'
  readonly field: string

  constructor(field: string, expected: string) {
    super(`${field} ${expected}`)
    this.field = field
  }
}
