import type { TextOrTokens } from './text-prompt.ts'

/** Texts whose vectors are asked for. */
export interface EmbeddingRequest {
  /** At least one. */
  readonly input: readonly TextOrTokens[]
  /** The model that is asked for; the worker's first when absent. */
  readonly model?: string
  /** How long the vectors are to be, where the model leaves a choice; 1 or more. */
  readonly dimensions?: number
  /** Fields of the model's own server, by their names there; at most 64. */
  readonly extra?: Readonly<Record<string, unknown>>
}

/** One vector for each text, in their order. */
export interface Embeddings {
  readonly vectors: readonly (readonly number[])[]
  /** Tokens of the texts together, where the model counts. */
  readonly promptTokens?: number
}
