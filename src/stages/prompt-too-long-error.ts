import { SpillwayError } from '../../operators/index.ts'

/** A prompt has more tokens than it may have, even without passages and history. */
export class PromptTooLongError extends SpillwayError {
  override readonly code = 'prompt_too_long'
  /** Of what cannot be left out. */
  readonly tokens: number
  readonly limit: number

  constructor(tokens: number, limit: number) {
    super(
      `messages must have at most ${limit} tokens together with the system text, got ${tokens} that cannot be left out`,
    )
    this.tokens = tokens
    this.limit = limit
  }
}
