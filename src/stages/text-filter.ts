import type { FinishReason } from '../workers/model-worker.ts'

/** A text of an answer that its reader sees. */
export type TextField = 'text' | 'reasoning' | 'refusal'

/** Why a filter ended an answer: its text was complete, or must not go on. */
export type FilterEnding = 'stop' | 'content_filter'

/**
 * Changes one text that comes in pieces cut anywhere, also between the halves of a surrogate pair.
 *
 * All that it gives, put together, depends only on the pieces put together: what could still become part of
 * something that the filter is looking for is held back until that is decided.
 */
export interface TextFilter {
  /** The text that is safe to pass on now that `piece`, which is not empty, has come; not called once it has `ended`. */
  push(piece: string): string
  /**
   * What was held back, now that no more comes; called once at the most, and not once it has `ended`.
   *
   * @param reason Why the model stopped, where it said so.
   */
  end(reason?: FinishReason): string
  /** Set when the text ends here: nothing that the model has yet to say is wanted. */
  readonly ended?: FilterEnding | undefined
}
