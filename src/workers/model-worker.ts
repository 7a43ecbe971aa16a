import type { GenerationParameters } from '../generation-parameters.ts'
import type { ChatMessage, ToolCall } from '../prompt-request.ts'
import type { Embeddings, EmbeddingRequest } from './embeddings.ts'
import type { TextPrompt } from './text-prompt.ts'

/** What a model is asked: the conversation as the model shall see it. */
export interface Prompt {
  readonly messages: readonly ChatMessage[]
  /** The model that is asked for; the worker's first when absent. */
  readonly model?: string
  readonly parameters?: GenerationParameters
}

/** How one call is made. */
export interface InferOptions {
  /** Cancels for real: the connection to the model is closed, and the call rejects with the signal's reason. */
  readonly signal?: AbortSignal
}

/** Tokens counted by the model. */
export interface Usage {
  readonly promptTokens: number
  /** Of all choices together. */
  readonly completionTokens: number
  /** How many of the prompt's were in the model's cache, where it tells. */
  readonly cachedTokens?: number
  /** How many of the completion's went into reasoning, where the model tells. */
  readonly reasoningTokens?: number
}

/** Why a model stopped. */
export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter'

/** A piece of a call that the model asks its caller to make; the `arguments` of all pieces of one `index` concatenate. */
export interface ToolCallDelta {
  /** Which call of the answer it belongs to, from 0. */
  readonly index: number
  /** On the first piece. */
  readonly id?: string
  /** The tool's name; on the first piece. */
  readonly name?: string
  /** JSON, cut anywhere. */
  readonly arguments: string
}

/** How likely a token was, and which others were likely in its place. */
export interface TokenLogprob {
  readonly token: string
  /** `null` where there is none, as for the first token of a prompt that is echoed. */
  readonly logprob: number | null
  readonly bytes: readonly number[] | null
  readonly topLogprobs: readonly Omit<TokenLogprob, 'topLogprobs'>[]
}

/** A piece of an answer; the texts of all chunks of one `choice` concatenate to the answer. */
export interface CompletionChunk {
  /** May be empty, in a chunk that carries something else. */
  readonly text: string
  /** Which of the answers it belongs to, where several were asked for; the first, 0, when absent. */
  readonly choice?: number
  /** What the model says to itself before it answers. */
  readonly reasoning?: string
  /** What the model says instead of an answer that it will not give. */
  readonly refusal?: string
  readonly toolCalls?: readonly ToolCallDelta[]
  /** Of the tokens of `text`, where they were asked for. */
  readonly logprobs?: readonly TokenLogprob[]
  /** Of the tokens of `refusal`. */
  readonly refusalLogprobs?: readonly TokenLogprob[]
  /** On one of the last chunks of a choice. */
  readonly finishReason?: FinishReason
  /** On one of the last chunks, where the model counts. */
  readonly usage?: Usage
}

/** One whole answer of those that were asked for. */
export interface CompletionChoice {
  readonly text: string
  /** What the model said to itself before it answered. */
  readonly reasoning?: string
  /** What the model said instead of an answer that it would not give. */
  readonly refusal?: string
  /** What the model asks its caller to call, in the model's order; absent where there is none. */
  readonly toolCalls?: readonly ToolCall[]
  readonly logprobs?: readonly TokenLogprob[]
  readonly refusalLogprobs?: readonly TokenLogprob[]
  readonly finishReason: FinishReason
}

/** A whole answer: the first choice, and the others where several were asked for. */
export interface Completion extends CompletionChoice {
  /** The choices from the second on, in their order. */
  readonly alternatives?: readonly CompletionChoice[]
  readonly usage?: Usage
}

/**
 * What a worker does beside answering in one piece (`'chat'`) and piece by piece (`'stream'`): calls of tools,
 * several choices, probabilities of tokens, JSON by a schema, completion of bare text, embeddings. What it does not
 * list is refused by name.
 */
export type Capability = 'chat' | 'stream' | 'tools' | 'choices' | 'logprobs' | 'json' | 'completions' | 'embeddings'

/** What a worker is and can do. */
export interface ModelInfo {
  /** The worker's name, e.g. `'echo'`. */
  readonly id: string
  /** Who serves the model, e.g. `'openai'`. */
  readonly provider: string
  /** The models' names, the default first; at least one. */
  readonly models: readonly string[]
  /** Prompt and answer together, in tokens, where it is known. */
  readonly contextWindow?: number
  readonly capabilities: readonly Capability[]
}

/** Whether the model can be reached now; `health()` reports, it never rejects. */
export type HealthStatus =
  { readonly healthy: true; readonly latencyMs: number } | { readonly healthy: false; readonly reason: string }

/** A model that answers prompts; make one with `defineWorker`. */
export interface ModelWorker {
  readonly info: ModelInfo
  /** The whole answer; rejects with `InvalidPromptError`, `WorkerError`, or the signal's reason. */
  infer(prompt: Prompt, options?: InferOptions): Promise<Completion>
  /** The answer piece by piece, for one reader; begun by the first read, which rejects as `infer` does. */
  inferStream(prompt: Prompt, options?: InferOptions): AsyncIterable<CompletionChunk>
  /** The answers to several prompts, in their order; when one fails the rest are cancelled and the batch rejects. */
  inferBatch(prompts: readonly Prompt[], options?: InferOptions): Promise<readonly Completion[]>
  /** Continues bare texts, piece by piece; with the capability `'completions'`. Otherwise as `inferStream`. */
  completeStream?(prompt: TextPrompt, options?: InferOptions): AsyncIterable<CompletionChunk>
  /** Texts as vectors; with the capability `'embeddings'`. Rejects as `infer` does. */
  embed?(request: EmbeddingRequest, options?: InferOptions): Promise<Embeddings>
  /** Whether the model can be reached now; never rejects. */
  health(options?: { readonly signal?: AbortSignal }): Promise<HealthStatus>
  /** Lets go of what the worker holds; calling it again does nothing. Calls under way are not ended by it. */
  close(): Promise<void>
}
