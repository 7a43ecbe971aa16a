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
 * @param read Puts the body together; rejects where the request ended without an answer. What it throws while the
 * request is under way, or after its answer, is a fault of the server, which ends the request.
 */
export async function sendWhole(
  reply: FastifyReply,
  answer: Pick<Reply<unknown>, 'settled' | 'cancel'>,
  read: () => Promise<object>,
  context: ServerContext,
): Promise<FastifyReply> {
  try {
    return await reply.send(await read())
  } catch (error) {
    return reply.raw.destroyed ? reply.hijack() : context.refuse(reply, whyNot(reply, answer, error, context))
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
  try {
    await streamedAnswer(answer, response, { ...context, frames, begin })
    response.end()
  } catch (error) {
    if (response.destroyed) return reply.hijack()
    const refusal = whyNot(reply, answer, error, context)
    if (!response.headersSent) return context.refuse(reply, refusal)
    response.end(frames.error(refusal))
  }
  return reply
}

/** Why there is no answer, or no whole one: how the request ended or, where that says nothing, that the server failed. */
function whyNot(
  { request }: FastifyReply,
  answer: Pick<Reply<unknown>, 'settled' | 'cancel'>,
  error: unknown,
  { reportFault, exchangeOf }: ServerContext,
): Refusal {
  const { settled } = answer
  if (settled !== undefined && settled.kind !== 'completed') return refusalOf(settled)
  answer.cancel('the server failed')
  const fault = reportFault(request, error)
  exchangeOf(request).code = fault.code
  return fault
}
