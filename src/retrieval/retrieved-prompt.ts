import type { PromptRequest } from '../prompt-request.ts'
import type { Passage } from './retriever.ts'

/** A request with the passages that were found for it: what retrieval gives to assembly. */
export interface RetrievedPrompt {
  readonly request: PromptRequest
  readonly passages: readonly Passage[]
}
