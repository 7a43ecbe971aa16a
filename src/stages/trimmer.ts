import type { TextFilter } from './text-filter.ts'

/** A model that has run wild may send white space for ever: of so much at the end, only so many units are trimmed. */
const maxHeld = 65_536

/**
 * Trims text that comes in pieces cut anywhere: together they give what `trim()` makes of the whole.
 *
 * Of white space at the end, at most the last 65,536 UTF-16 code units are held back and removed.
 */
export class Trimmer implements TextFilter {
  #started = false
  /** White space that is part of the text only if something follows. */
  #held = ''

  /** The text that is safe to pass on now that `piece` has come; white space at its end waits for what follows. */
  push(piece: string): string {
    const text = this.#started ? piece : piece.trimStart()
    const body = text.trimEnd()
    if (body === '') {
      this.#held += text
      // Not at every piece, because cutting takes time in proportion to what is held.
      return this.#held.length < 2 * maxHeld ? '' : this.#excess()
    }
    const safe = this.#held + body
    this.#started = true
    this.#held = text.slice(body.length)
    return safe
  }

  /** White space beyond what is removed. */
  end(): string {
    return this.#excess()
  }

  #excess(): string {
    const excess = this.#held.slice(0, Math.max(0, this.#held.length - maxHeld))
    this.#held = this.#held.slice(excess.length)
    return excess
  }
}
