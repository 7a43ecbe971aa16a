import type { Completion, CompletionChunk, FinishReason, Usage } from './model-worker.ts'

/** Puts the chunks of an answer together. */
export class CompletionParts {
  private text = ''
  // A source that ends without saying why has said all that it had to say.
  private finishReason: FinishReason = 'stop'
  private usage: Usage | undefined

  add(chunk: CompletionChunk): void {
    this.text += chunk.text
    this.finishReason = chunk.finishReason ?? this.finishReason
    this.usage = chunk.usage ?? this.usage
  }

  /** The answer, as far as it has come. */
  get completion(): Completion {
    const { text, finishReason, usage } = this
    return { text, finishReason, ...(usage !== undefined && { usage }) }
  }
}
