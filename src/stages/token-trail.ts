import type { TokenLogprob } from '../workers/model-worker.ts'

/** More text than this is not followed: no filter that cuts at the ends holds so much. */
const maxHeld = 262_144

/**
 * Lets the probabilities of tokens travel with the text that they belong to, past a filter that holds text back and
 * cuts at the ends.
 *
 * Those of a piece of text go with its last unit. A piece that is cut loses them, but for white space at the ends of
 * the answer. If the filter gives anything but what it was given, all further ones are dropped.
 */
export class TokenTrail {
  /** Pieces that have not gone entirely, with the number of units that have yet to go. */
  #waiting: Waiting[] = []
  /** Their text. */
  #text = ''
  #lost = false

  /** The probabilities that go with `passed`, which the filter gave for `piece`. */
  follow(piece: string, logprobs: Logprobs | undefined, passed: string): Logprobs | undefined {
    if (this.#lost) return undefined
    if (this.#waiting.length === 0 && passed === piece) return logprobs
    this.#waiting.push({ left: piece.length, logprobs })
    this.#text += piece
    if (this.#text.length > maxHeld) {
      this.#lose()
      return undefined
    }
    return passed === '' ? undefined : this.#take(passed)
  }

  /** The probabilities that go with `passed`, which the filter gave at the end. */
  end(passed: string): Logprobs | undefined {
    const taken = passed === '' ? [] : (this.#take(passed) ?? [])
    const trimmed = this.#text.trim() === '' ? this.#advance(this.#text.length) : []
    const logprobs = [...taken, ...(trimmed ?? [])]
    return logprobs.length === 0 ? undefined : logprobs
  }

  #take(passed: string): Logprobs | undefined {
    const start = this.#text.startsWith(passed) ? 0 : this.#text.length - this.#text.trimStart().length
    if (this.#text.startsWith(passed, start)) return this.#advance(start + passed.length)
    this.#lose()
    return undefined
  }

  #advance(units: number): Logprobs | undefined {
    this.#text = this.#text.slice(units)
    const logprobs: TokenLogprob[] = []
    let rest = units
    let gone = 0
    for (const piece of this.#waiting) {
      if (piece.left > rest) {
        piece.left -= rest
        break
      }
      rest -= piece.left
      gone++
      if (piece.logprobs !== undefined) logprobs.push(...piece.logprobs)
    }
    this.#waiting.splice(0, gone)
    return logprobs.length === 0 ? undefined : logprobs
  }

  #lose(): void {
    this.#lost = true
    this.#waiting = []
    this.#text = ''
  }
}

type Logprobs = readonly TokenLogprob[]

interface Waiting {
  left: number
  readonly logprobs: Logprobs | undefined
}
