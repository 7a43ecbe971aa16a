import { checkFunction, checkInteger, checkKeys } from '../../operators/index.ts'
import type { Handler } from '../handler.ts'
import { type PromptRequest, questionOf } from '../prompt-request.ts'
import { checkFilter } from '../retrieval/document-metadata.ts'
import type { RetrievedPrompt } from '../retrieval/retrieved-prompt.ts'
import type { Retriever, SearchFilter } from '../retrieval/retriever.ts'
import { checkRequest } from './check-request.ts'

/** Where to search, and for how much. */
export interface RetrieveOptions {
  readonly retriever: Pick<Retriever, 'search'>
  /** How many passages at the most, 1 … 100; default 4. */
  readonly topK?: number
  /** Only documents whose metadata is like this, for all requests or by the request; default: all. */
  readonly filter?: SearchFilter | ((request: PromptRequest) => SearchFilter | undefined)
}

/**
 * A stage that finds the passages for a request: those that fit the user's last message, best first. Without
 * such a message nothing is searched and there are none. An error of the retriever's fails the request; a question
 * that could only be searched by its words is counted.
 *
 * @example
 * ```ts
 * pipeline<PromptRequest>('chat').stage('rag', retrieve({ retriever, topK: 4 }), { capacity: 512, concurrency: 32 })
 * ```
 */
export function retrieve(options: RetrieveOptions): Handler<PromptRequest, Promise<RetrievedPrompt>, PromptRequest> {
  checkKeys('retrieve', options, ['retriever', 'topK', 'filter'])
  const { retriever, topK = 4, filter } = options
  checkFunction('retriever.search', (retriever as Partial<Retriever> | undefined)?.search)
  checkInteger('topK', topK, { min: 1, max: 100 })
  if (typeof filter !== 'function') checkFilter('filter', filter)
  return async (request, context) => {
    checkRequest(request)
    const question = questionOf(request)
    if (question.trim() === '') return { request, passages: [] }
    const wanted = typeof filter === 'function' ? filter(request) : filter
    const passages = await retriever.search(question, {
      topK,
      ...(wanted !== undefined && { filter: wanted }),
      signal: context.signal,
      onFallback: () => {
        context.meter.count('retrievalFallbacks', 'embedding')
      },
    })
    return { request, passages }
  }
}
