import type { CompletionChunk } from '../workers/model-worker.ts'
import { WholeCharacters } from './whole-characters.ts'

/**
 * Keeps the halves of characters together in the chunks of an answer, in each text of each choice for itself. Every
 * chunk stays a chunk: one of which a half is held back may be left with an empty text.
 */
export class WholeChunks {
  readonly #choices = new Map<number, WholeCharacters>()

  push(chunk: CompletionChunk): CompletionChunk {
    const { choice = 0, reasoning, refusal, toolCalls } = chunk
    let texts = this.#choices.get(choice)
    if (texts === undefined) {
      texts = new WholeCharacters()
      this.#choices.set(choice, texts)
    }
    return {
      ...chunk,
      text: texts.push('text', chunk.text),
      ...(reasoning !== undefined && { reasoning: texts.push('reasoning', reasoning) }),
      ...(refusal !== undefined && { refusal: texts.push('refusal', refusal) }),
      ...(toolCalls !== undefined && {
        toolCalls: toolCalls.map((call) => ({ ...call, arguments: texts.push(String(call.index), call.arguments) })),
      }),
    }
  }

  /** The halves that never became whole. */
  end(): readonly CompletionChunk[] {
    return [...this.#choices].flatMap(([choice, texts]) =>
      texts.end().map(([name, half]) => ({ ...restOf(name, half), ...(choice !== 0 && { choice }) })),
    )
  }
}

function restOf(name: string, half: string): CompletionChunk {
  if (name === 'text') return { text: half }
  if (name === 'reasoning' || name === 'refusal') return { text: '', [name]: half }
  return { text: '', toolCalls: [{ index: Number(name), arguments: half }] }
}
