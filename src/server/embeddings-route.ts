import { Buffer } from 'node:buffer'
import type { FastifyInstance } from 'fastify'
import { CancelledError } from '../pipeline/errors.ts'
import type { Embeddings } from '../workers/embeddings.ts'
import { type CheckedEmbedding, checkEmbeddingRequest } from './embedding-request.ts'
import { jsonOf } from './json-request.ts'
import { badInput } from './refusal.ts'
import { sendWhole } from './send-answer.ts'
import type { ServedEmbeddings, ServerContext } from './server-context.ts'

/** Adds `POST /v1/embeddings`: where no pipeline makes vectors it is answered with 404, which says so. */
export function addEmbeddingsRoute(
  app: FastifyInstance,
  context: ServerContext,
  embeddings: ServedEmbeddings | undefined,
): void {
  const { models, limits, deadlineMs, exchangeOf, refuse } = context

  app.post('/v1/embeddings', async (request, reply) => {
    if (embeddings === undefined) {
      return refuse(reply, badInput(null, 'no model here makes embeddings', 'not_supported', 404))
    }
    const exchange = exchangeOf(request)
    const body = jsonOf(request, reply, limits.jsonDepth)
    if (!body.ok) return refuse(reply, body.refusal)
    const checked = checkEmbeddingRequest(body.value, { models, promptChars: limits.promptChars })
    if (!checked.ok) return refuse(reply, checked.refusal)
    if (reply.raw.destroyed) return reply.hijack()

    const answer = embeddings.submit({
      ...checked.value.request,
      id: exchange.id,
      ...(deadlineMs !== undefined && { deadlineMs }),
    })
    exchange.answer = answer
    const read = async (): Promise<object> => {
      const outcome = await answer.outcome
      if (outcome.kind !== 'completed' || !('value' in outcome)) throw new CancelledError('there are no vectors')
      return embeddingList(outcome.value, checked.value)
    }
    return sendWhole(reply, answer, read, context)
  })
}

/** The vectors as OpenAI's clients read them. */
function embeddingList({ vectors, promptTokens }: Embeddings, { request, encoding }: CheckedEmbedding): object {
  return {
    object: 'list',
    data: vectors.map((vector, index) => ({
      object: 'embedding',
      index,
      embedding: encoding === 'base64' ? base64Of(vector) : vector,
    })),
    model: request.model,
    ...(promptTokens !== undefined && { usage: { prompt_tokens: promptTokens, total_tokens: promptTokens } }),
  }
}

function base64Of(vector: readonly number[]): string {
  const bytes = Buffer.alloc(vector.length * 4)
  for (const [index, number] of vector.entries()) bytes.writeFloatLE(number, index * 4)
  return bytes.toString('base64')
}
