/** Trims text that comes in pieces cut anywhere: together they give what `trim()` makes of the whole. */
export class Trimmer {
  #started = false
  /** White space that is part of the text only if something follows. */
  #held = ''

  /** The text that is safe to pass on now that `piece` has come; white space at its end waits for what follows. */
  push(piece: string): string {
    const text = this.#started ? piece : piece.trimStart()
    const body = text.trimEnd()
    if (body === '') {
      this.#held += text
      return ''
    }
    const safe = this.#held + body
    this.#started = true
    this.#held = text.slice(body.length)
    return safe
  }
}
