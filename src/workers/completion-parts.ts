import type { ToolCall } from '../prompt-request.ts'
import type {
  Completion,
  CompletionChoice,
  CompletionChunk,
  FinishReason,
  TokenLogprob,
  ToolCallDelta,
  Usage,
} from './model-worker.ts'

/** Puts the chunks of an answer together. */
export class CompletionParts {
  readonly #choices: ChoiceParts[] = [new ChoiceParts()]
  #usage: Usage | undefined

  add(chunk: CompletionChunk): void {
    this.#usage = chunk.usage ?? this.#usage
    const index = chunk.choice ?? 0
    // A choice of which nothing has come yet may lie between.
    while (this.#choices.length <= index) this.#choices.push(new ChoiceParts())
    this.#choices[index]?.add(chunk)
  }

  /** The answer, as far as it has come. */
  get completion(): Completion {
    const [first = new ChoiceParts(), ...others] = this.#choices
    return {
      ...first.choice,
      ...(others.length > 0 && { alternatives: others.map(({ choice }) => choice) }),
      ...(this.#usage !== undefined && { usage: this.#usage }),
    }
  }
}

class ChoiceParts {
  #text = ''
  #reasoning = ''
  #refusal = ''
  readonly #toolCalls = new Map<number, { id: string; name: string; arguments: string }>()
  #logprobs: TokenLogprob[] | undefined
  #refusalLogprobs: TokenLogprob[] | undefined
  // A source that ends without saying why has said all that it had to say.
  #finishReason: FinishReason = 'stop'

  add({ text, reasoning, refusal, toolCalls, logprobs, refusalLogprobs, finishReason }: CompletionChunk): void {
    this.#text += text
    this.#reasoning += reasoning ?? ''
    this.#refusal += refusal ?? ''
    for (const delta of toolCalls ?? []) this.#addToolCall(delta)
    if (logprobs !== undefined) (this.#logprobs ??= []).push(...logprobs)
    if (refusalLogprobs !== undefined) (this.#refusalLogprobs ??= []).push(...refusalLogprobs)
    this.#finishReason = finishReason ?? this.#finishReason
  }

  get choice(): CompletionChoice {
    const toolCalls = [...this.#toolCalls].toSorted(([a], [b]) => a - b).map(([, call]): ToolCall => call)
    return {
      text: this.#text,
      ...(this.#reasoning !== '' && { reasoning: this.#reasoning }),
      ...(this.#refusal !== '' && { refusal: this.#refusal }),
      ...(toolCalls.length > 0 && { toolCalls }),
      ...(this.#logprobs !== undefined && { logprobs: this.#logprobs }),
      ...(this.#refusalLogprobs !== undefined && { refusalLogprobs: this.#refusalLogprobs }),
      finishReason: this.#finishReason,
    }
  }

  #addToolCall({ index, id, name, arguments: piece }: ToolCallDelta): void {
    const call = this.#toolCalls.get(index)
    if (call === undefined) this.#toolCalls.set(index, { id: id ?? '', name: name ?? '', arguments: piece })
    else {
      call.id = id ?? call.id
      call.name = name ?? call.name
      call.arguments += piece
    }
  }
}
