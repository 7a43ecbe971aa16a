import type { FilterEnding } from './text-filter.ts'

/** What is done where a content filter finds something. */
export interface MatchHandling {
  /** Replaces the match, or ends the answer in front of it. */
  readonly action: 'replace' | 'end'
  /** What a match is replaced with. */
  readonly replacement: string
  /** Called for each match. */
  readonly onMatch: () => void
}

/** Gathers what a content filter gives: text as it is, and what stands for the matches in it. */
export class MatchedText {
  readonly #handling: MatchHandling
  #text = ''
  #ended: FilterEnding | undefined

  constructor(handling: MatchHandling) {
    this.#handling = handling
  }

  /** Set by a match that ends the answer; nothing more is added then. */
  get ended(): FilterEnding | undefined {
    return this.#ended
  }

  /** Adds text that no match is in. */
  keep(text: string): void {
    this.#text += text
  }

  /** Adds a match. */
  match(): void {
    this.#handling.onMatch()
    if (this.#handling.action === 'end') this.#ended = 'content_filter'
    else this.#text += this.#handling.replacement
  }

  /** All that was added since the last call. */
  take(): string {
    const text = this.#text
    this.#text = ''
    return text
  }
}
