import { checkExtra, checkRange, fieldsOf } from './check-fields.ts'
import { checkModel, type PromptRules } from './check-prompt.ts'
import { checkTexts } from './check-text-prompt.ts'
import type { EmbeddingRequest } from './embeddings.ts'

/** As `checkPrompt`, for texts whose vectors are asked for. */
export function checkEmbedding(request: unknown, { models }: PromptRules): asserts request is EmbeddingRequest {
  const { input, model, dimensions, extra } = fieldsOf('request', request)
  checkTexts('input', input)
  checkModel('model', model, models)
  if (dimensions !== undefined) checkRange('dimensions', dimensions, { min: 1, max: 65_536, whole: true })
  if (extra !== undefined) checkExtra('extra', extra)
}
