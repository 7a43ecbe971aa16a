/**
 * Keeps the halves of characters together in texts that come in pieces: a high surrogate at the end of a piece is
 * kept for the next one, because a client in a language without UTF-16 strings could not join the halves.
 */
export class WholeCharacters {
  readonly #halves = new Map<string, string>()

  /** What of a text can be sent, of those that have this name. */
  push(name: string, piece: string): string {
    const text = (this.#halves.get(name) ?? '') + piece
    if (!endsInHighSurrogate(text)) {
      this.#halves.delete(name)
      return text
    }
    this.#halves.set(name, text.slice(-1))
    return text.slice(0, -1)
  }

  /** Halves that never became whole, by the name of their text. */
  end(): readonly (readonly [string, string])[] {
    const rest = [...this.#halves]
    this.#halves.clear()
    return rest
  }
}

function endsInHighSurrogate(text: string): boolean {
  const last = text.charCodeAt(text.length - 1)
  return last >= 0xd800 && last <= 0xdbff
}
