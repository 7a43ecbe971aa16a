import type { FastifyReply } from 'fastify'
import type { Reply } from '../pipeline/reply.ts'
import type { CompletionChunk } from '../workers/model-worker.ts'
import type { AnswerFrames } from './chunk-frames.ts'
import { beginEventStream } from './event-stream.ts'
import { refusalOf } from './outcome-refusal.ts'
import type { Refusal } from './refusal.ts'
import type { ServerContext } from './server-context.ts'
import { streamedAnswer } from './streamed-answer.ts'

/**
 * Sends an answer in one piece, or says how the request ended instead.
 *
 * @param read Puts the body together; rejects where the request ended without an answer.
 */
export async function sendWhole(
  reply: FastifyReply,
  answer: Pick<Reply<unknown>, 'settled'>,
  read: () => Promise<object>,
  context: ServerContext,
): Promise<FastifyReply> {
  try {
    return await reply.send(await read())
  } catch (error) {
    return giveUp(reply, answer, error, context)
  }
}

/** Sends an answer as server-sent events, or says how the request ended: with a status as long as nothing has been sent. */
export async function sendStreamed(
  reply: FastifyReply,
  answer: Reply<CompletionChunk>,
  frames: AnswerFrames,
  context: ServerContext,
): Promise<FastifyReply> {
  const response = reply.raw
  const begin = (): void => {
    beginEventStream(reply, context.running)
  }
  const framing = { failed: false }
  const onFault = (): void => {
    framing.failed = true
  }
  try {
    await streamedAnswer(answer, response, { ...context, frames, begin, onFault })
    response.end()
  } catch (error) {
    if (framing.failed) return fail(reply, frames, context.reportFault(reply.request, error), context)
    if (!response.headersSent) return giveUp(reply, answer, error, context)
    const { settled } = answer
    // Without an outcome it is no end that can be told; a broken connection is at least not taken for a whole answer.
    if (settled === undefined || settled.kind === 'completed')
      response.destroy(error instanceof Error ? error : undefined)
    else if (!response.destroyed) response.end(frames.error(refusalOf(settled)))
  }
  return reply
}

/** Says that the server failed, in the stream where it has begun. */
function fail(
  reply: FastifyReply,
  frames: AnswerFrames,
  refusal: Refusal,
  { refuse, exchangeOf }: ServerContext,
): FastifyReply {
  const response = reply.raw
  if (response.destroyed) return reply.hijack()
  if (!response.headersSent) return refuse(reply, refusal)
  exchangeOf(reply.request).code = refusal.code
  response.end(frames.error(refusal))
  return reply
}

/** Says how the request ended, where the client is still there and has not heard a status yet. */
function giveUp(
  reply: FastifyReply,
  { settled }: Pick<Reply<unknown>, 'settled'>,
  error: unknown,
  { refuse }: ServerContext,
): FastifyReply {
  if (reply.raw.destroyed) return reply.hijack()
  if (settled === undefined || settled.kind === 'completed') throw error
  return refuse(reply, refusalOf(settled))
}
