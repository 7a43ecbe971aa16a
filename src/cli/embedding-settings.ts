import { checkText } from '../../operators/index.ts'
import { checkBaseUrl } from './base-url.ts'

/** The model that documents and questions are embedded by. */
export interface EmbeddingSettings {
  readonly model: string
  readonly baseUrl: string
  readonly apiKey?: string
}

/** Where embeddings are made: at `EMBEDDING_BASE_URL`, otherwise where the model is; `undefined` for search by words. */
export function embeddingSettings(
  model: string | undefined,
  variable: (name: string) => string | undefined,
): EmbeddingSettings | undefined {
  if (model === undefined) return undefined
  checkText('--embedding-model', model)
  const own = variable('EMBEDDING_BASE_URL')
  const baseUrl = own ?? variable('OPENAI_BASE_URL')
  if (baseUrl === undefined) {
    throw new RangeError(
      `--embedding-model must come with EMBEDDING_BASE_URL or OPENAI_BASE_URL, which say where the model is, got ${JSON.stringify(model)}`,
    )
  }
  checkBaseUrl(own === undefined ? 'OPENAI_BASE_URL' : 'EMBEDDING_BASE_URL', baseUrl)
  // The key of one server is not shown to another.
  const apiKey = variable('EMBEDDING_API_KEY') ?? (own === undefined ? variable('OPENAI_API_KEY') : undefined)
  return { model, baseUrl, ...(apiKey !== undefined && { apiKey }) }
}
