import type { EmbeddingRequest, Embeddings } from './embeddings.ts'
import type { Completion, CompletionChunk, HealthStatus, ModelInfo, Prompt } from './model-worker.ts'
import type { TextPrompt } from './text-prompt.ts'

/** How an implementer is called: always with a signal, which also speaks when the reader leaves early. */
export interface WorkerCall {
  readonly signal: AbortSignal
}

/** What an implementer writes; one of `inferStream` and `infer` at least. The prompts have been checked. */
export interface WorkerDefinition {
  readonly info: ModelInfo
  /** Answers piece by piece; derived from `infer` as a single chunk. */
  readonly inferStream?: (prompt: Prompt, call: WorkerCall) => AsyncIterable<CompletionChunk>
  /** Answers in one piece; derived from `inferStream` by concatenation. */
  readonly infer?: (prompt: Prompt, call: WorkerCall) => Promise<Completion>
  /** Answers several prompts, in their order; derived by asking one by one, `batchConcurrency` at a time. */
  readonly inferBatch?: (prompts: readonly Prompt[], call: WorkerCall) => Promise<readonly Completion[]>
  /** Calls at the same time in a derived `inferBatch`, 1 … 1,024; default 4. */
  readonly batchConcurrency?: number
  /** Continues bare texts; with the capability `'completions'`, and never derived. */
  readonly completeStream?: (prompt: TextPrompt, call: WorkerCall) => AsyncIterable<CompletionChunk>
  /** Makes vectors; with the capability `'embeddings'`, and never derived. */
  readonly embed?: (request: EmbeddingRequest, call: WorkerCall) => Promise<Embeddings>
  /** Whether the model can be reached; what it throws is reported as unhealthy. Derived: always healthy. */
  readonly health?: (call: WorkerCall) => Promise<HealthStatus>
  /** Lets go of connections and memory; called once. Derived: nothing to do. */
  readonly close?: () => Promise<void>
}
