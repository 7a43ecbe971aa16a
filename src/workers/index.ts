export { defineWorker } from './define-worker.ts'
export { echo, type EchoOptions } from './echo.ts'
export { InvalidPromptError } from './invalid-prompt-error.ts'
export type { Embeddings, EmbeddingRequest } from './embeddings.ts'
export type {
  Capability,
  Completion,
  CompletionChoice,
  CompletionChunk,
  FinishReason,
  HealthStatus,
  InferOptions,
  ModelInfo,
  ModelWorker,
  Prompt,
  TokenLogprob,
  ToolCallDelta,
  Usage,
} from './model-worker.ts'
export { openaiEmbedder, type OpenAiEmbedderOptions } from './openai-embedder.ts'
export type { OpenAiEndpoint } from './openai-endpoint.ts'
export { discoverModels, type DiscoverModelsOptions } from './openai-models.ts'
export type { MaxTokensField } from './openai-request.ts'
export { openai, type OpenAiOptions } from './openai.ts'
export type { TextOrTokens, TextPrompt } from './text-prompt.ts'
export { WorkerError, type WorkerErrorDetails } from './worker-error.ts'
export type { WorkerCall, WorkerDefinition } from './worker-definition.ts'
