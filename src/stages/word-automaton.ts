import { markedCharacters } from './marked-character.ts'

/** A state: how far the text agrees with the words. */
export interface WordState {
  /** The number of units that the text agrees with, the longest such end of it. */
  readonly depth: number
  /** The word that is complete here, the longest such. */
  readonly word: Word | undefined
  /** The longest end of it at which a shorter word is complete. */
  readonly shorter: WordState | undefined
}

/** A word as it is looked for. */
interface Word {
  /** Units, folded. */
  readonly length: number
  /** Whether no letter may stand in front of it, and behind it: at ends that are letters themselves. */
  readonly boundBefore: boolean
  readonly boundAfter: boolean
}

interface Node extends WordState {
  word: Word | undefined
  shorter: Node | undefined
  readonly next: Map<number, Node>
  /** The state of the longest proper end of it. */
  fallback: Node | undefined
}

function createNode(depth: number): Node {
  return { depth, word: undefined, shorter: undefined, next: new Map(), fallback: undefined }
}

/**
 * Finds all words of a list in one pass over the text, in time that does not depend on how many there are.
 *
 * @see https://doi.org/10.1145/360825.360855 (Aho, Corasick: Efficient string matching)
 */
export class WordAutomaton {
  readonly #root: Node = createNode(0)
  /** @param words Each with a character that can be seen. */
  constructor(words: readonly string[]) {
    for (const text of words) this.#add(text)
    this.#link()
  }

  get start(): WordState {
    return this.#root
  }

  /** The state after more units. */
  run(state: WordState, units: string): WordState {
    let next = state
    for (let index = 0; index < units.length; index++) next = this.#step(next, units.charCodeAt(index))
    return next
  }

  #step(state: WordState, unit: number): WordState {
    let node: Node | undefined = state as Node
    while (node !== undefined) {
      const next = node.next.get(unit)
      if (next !== undefined) return next
      node = node.fallback
    }
    return this.#root
  }

  #add(text: string): void {
    const characters = markedCharacters(text)
    let node = this.#root
    for (const { folded } of characters) {
      for (let index = 0; index < folded.length; index++) {
        const unit = folded.charCodeAt(index)
        let next = node.next.get(unit)
        if (next === undefined) {
          next = createNode(node.depth + 1)
          node.next.set(unit, next)
        }
        node = next
      }
    }
    node.word = {
      length: node.depth,
      boundBefore: characters[0]?.isWord === true,
      boundAfter: characters.at(-1)?.isWord === true,
    }
  }

  /** Breadth first, so that the states of shorter ends are linked already. */
  #link(): void {
    const waiting = [this.#root]
    for (const node of waiting) {
      for (const [unit, next] of node.next) {
        next.fallback = node.fallback === undefined ? this.#root : (this.#step(node.fallback, unit) as Node)
        next.shorter = next.fallback.word === undefined ? next.fallback.shorter : next.fallback
        waiting.push(next)
      }
    }
  }
}
