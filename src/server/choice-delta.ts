import type { CompletionChunk, FinishReason, ToolCallDelta } from '../workers/model-worker.ts'
import { type OpenAiLogprobs, openAiLogprobs } from './openai-logprobs.ts'
import { WholeCharacters } from './whole-characters.ts'

/** What is new in a choice, as OpenAI's clients put it together. */
export interface OpenAiDelta {
  role?: 'assistant'
  content?: string
  /** The name of DeepSeek, Qwen and vLLM: OpenAI's own API has none. */
  reasoning_content?: string
  refusal?: string
  tool_calls?: readonly OpenAiToolCallDelta[]
}

interface OpenAiToolCallDelta {
  readonly index: number
  readonly id?: string
  readonly type?: 'function'
  readonly function: { readonly name?: string; readonly arguments: string }
}

/** One choice of a streamed answer: what of it has been sent, and what is held back. */
export class ChoiceDelta {
  finishReason: FinishReason = 'stop'
  readonly #texts = new WholeCharacters()
  readonly #begunCalls = new Set<number>()
  #first = true

  /** What a chunk adds; `undefined` where there is nothing to send yet. */
  push(chunk: CompletionChunk): { readonly delta: OpenAiDelta; readonly logprobs: OpenAiLogprobs | null } | undefined {
    if (chunk.finishReason !== undefined) this.finishReason = chunk.finishReason
    const delta: OpenAiDelta = {}
    const content = this.#texts.push('content', chunk.text)
    if (content !== '') delta.content = content
    if (chunk.reasoning !== undefined) {
      const reasoning = this.#texts.push('reasoning_content', chunk.reasoning)
      if (reasoning !== '') delta.reasoning_content = reasoning
    }
    if (chunk.refusal !== undefined) {
      const refusal = this.#texts.push('refusal', chunk.refusal)
      if (refusal !== '') delta.refusal = refusal
    }
    if (chunk.toolCalls !== undefined && chunk.toolCalls.length > 0) {
      delta.tool_calls = chunk.toolCalls.map((call) => this.#toolCall(call))
    }
    const logprobs = hasLogprobs(chunk) ? openAiLogprobs(chunk) : null
    if (Object.keys(delta).length === 0 && logprobs === null) return undefined
    return { delta: this.#begun(delta), logprobs }
  }

  /** What was held back, and the role where nothing was ever sent; `undefined` where there is neither. */
  end(): OpenAiDelta | undefined {
    const delta: OpenAiDelta = {}
    for (const [name, half] of this.#texts.end()) {
      if (name === 'content' || name === 'reasoning_content' || name === 'refusal') delta[name] = half
      else delta.tool_calls = [...(delta.tool_calls ?? []), { index: Number(name), function: { arguments: half } }]
    }
    if (this.#first) delta.content ??= ''
    return Object.keys(delta).length === 0 ? undefined : this.#begun(delta)
  }

  #begun(delta: OpenAiDelta): OpenAiDelta {
    if (!this.#first) return delta
    this.#first = false
    return { role: 'assistant', ...delta }
  }

  #toolCall({ index, id, name, arguments: piece }: ToolCallDelta): OpenAiToolCallDelta {
    const begins = !this.#begunCalls.has(index)
    this.#begunCalls.add(index)
    return {
      index,
      ...(id !== undefined && { id }),
      ...(begins && { type: 'function' }),
      function: { ...(name !== undefined && { name }), arguments: this.#texts.push(String(index), piece) },
    }
  }
}

/** An empty list adds nothing, as an empty text does not. */
function hasLogprobs({ logprobs = [], refusalLogprobs = [] }: CompletionChunk): boolean {
  return logprobs.length + refusalLogprobs.length > 0
}
