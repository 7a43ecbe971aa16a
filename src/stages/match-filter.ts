import type { FilterEnding, TextFilter } from './text-filter.ts'

/** What is done where a content filter finds something. */
export interface MatchHandling {
  /** Replaces the match, or ends the answer in front of it. */
  readonly action: 'replace' | 'end'
  /** What a match is replaced with. */
  readonly replacement: string
  /** Called for each match. */
  readonly onMatch: () => void
}

/** A filter that finds something in a text: gives the text as it is, and what stands for the matches in it. */
export abstract class MatchFilter implements TextFilter {
  readonly #handling: MatchHandling
  /** What has yet to be given. */
  #result = ''
  #ended: FilterEnding | undefined

  constructor(handling: MatchHandling) {
    this.#handling = handling
  }

  /** Set by a match that ends the answer; nothing more is added then. */
  get ended(): FilterEnding | undefined {
    return this.#ended
  }

  push(piece: string): string {
    this.search(piece)
    return this.#take()
  }

  end(): string {
    this.finish()
    return this.#take()
  }

  /** Looks for matches in the text so far; adds what is decided. */
  protected abstract search(piece: string): void

  /** Looks for matches in what is left, now that no more comes. */
  protected abstract finish(): void

  /** Adds text that no match is in. */
  protected keep(text: string): void {
    this.#result += text
  }

  /** Adds a match. */
  protected match(): void {
    this.#handling.onMatch()
    if (this.#handling.action === 'end') this.#ended = 'content_filter'
    else this.#result += this.#handling.replacement
  }

  #take(): string {
    const text = this.#result
    this.#result = ''
    return text
  }
}
