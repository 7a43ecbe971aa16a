import type { FastifyInstance, FastifyReply } from 'fastify'
import { show } from '../../operators/index.ts'
import type { Reply } from '../pipeline/reply.ts'
import type { CompletionChunk } from '../workers/model-worker.ts'
import { accepted, type Checked, refused } from './checked.ts'
import { type ChatRequest, checkChatRequest, longestSessionName } from './chat-request.ts'
import { type AnswerFrames, type AnswerHead, ChunkFrames } from './chunk-frames.ts'
import { parseJsonBody } from './json-body.ts'
import { refusalOf } from './outcome-refusal.ts'
import { badInput, type Refusal } from './refusal.ts'
import type { ServerContext } from './server-context.ts'
import { streamedAnswer } from './streamed-answer.ts'
import { chatCompletion, readWhole } from './whole-answer.ts'

const sessionHeader = 'x-session-id'

/** Adds `POST /v1/chat/completions`. */
export function addChatRoute(app: FastifyInstance, context: ServerContext): void {
  const { running, models, clock, limits, deadlineMs, exchangeOf, refuse } = context

  app.post('/v1/chat/completions', async (request, reply) => {
    const exchange = exchangeOf(request)
    const encoding = request.headers['content-encoding']
    if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
      void reply.header('accept-encoding', 'identity')
      return refuse(reply, encoded(encoding))
    }
    const body = parseJsonBody(request.body instanceof Uint8Array ? request.body : new Uint8Array(), limits.jsonDepth)
    if (!body.ok) return refuse(reply, body.refusal)
    const checked = checkChatRequest(body.value, { models, promptChars: limits.promptChars })
    if (!checked.ok) return refuse(reply, checked.refusal)
    const session = checkSession(request.headers[sessionHeader], checked.value)
    if (!session.ok) return refuse(reply, session.refusal)
    if (reply.raw.destroyed) return reply.hijack()

    if (session.value !== undefined) exchange.session = session.value
    const answer = running.submit({
      ...checked.value.prompt,
      id: exchange.id,
      ...(session.value !== undefined && { session: session.value }),
      ...(deadlineMs !== undefined && { deadlineMs }),
    })
    // Whoever watches the response cancels the answer when the client leaves.
    exchange.answer = answer
    const head: AnswerHead = {
      id: `chatcmpl-${answer.submissionId}`,
      created: Math.floor(clock.wallTime() / 1000),
      model: checked.value.prompt.model,
    }
    if (checked.value.stream)
      return sendStreamed(reply, answer, new ChunkFrames(head, checked.value.includeUsage), context)
    return sendWhole(reply, answer, head, context)
  })
}

function encoded(encoding: string): Refusal {
  const message = `the header content-encoding must be identity or absent, got ${show(encoding)}`
  return badInput('content-encoding', message, 'unsupported_content_encoding', 415)
}

async function sendWhole(
  reply: FastifyReply,
  answer: Reply<CompletionChunk>,
  head: AnswerHead,
  context: ServerContext,
): Promise<FastifyReply> {
  try {
    return await reply.send(chatCompletion(await readWhole(answer), head))
  } catch (error) {
    return giveUp(reply, answer, error, context)
  }
}

async function sendStreamed(
  reply: FastifyReply,
  answer: Reply<CompletionChunk>,
  frames: AnswerFrames,
  context: ServerContext,
): Promise<FastifyReply> {
  const response = reply.raw
  const begin = (): void => {
    reply.hijack()
    response.writeHead(200, {
      'x-request-id': reply.request.id,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
      'x-accel-buffering': 'no',
      ...(context.running.state !== 'running' && { connection: 'close' }),
    })
  }
  try {
    await streamedAnswer(answer, response, { ...context, frames, begin })
    response.end()
  } catch (error) {
    if (!response.headersSent) return giveUp(reply, answer, error, context)
    const { settled } = answer
    // Without an outcome it is no end that can be told; a broken connection is at least not taken for a whole answer.
    if (settled === undefined || settled.kind === 'completed')
      response.destroy(error instanceof Error ? error : undefined)
    else if (!response.destroyed) response.end(frames.error(refusalOf(settled)))
  }
  return reply
}

/** Says how the request ended, where the client is still there and has not heard a status yet. */
function giveUp(
  reply: FastifyReply,
  { settled }: Reply<CompletionChunk>,
  error: unknown,
  { refuse }: ServerContext,
): FastifyReply {
  if (reply.raw.destroyed) return reply.hijack()
  if (settled === undefined || settled.kind === 'completed') throw error
  return refuse(reply, refusalOf(settled))
}

function checkSession(
  header: string | readonly string[] | undefined,
  { user }: ChatRequest,
): Checked<string | undefined> {
  if (typeof header !== 'string' || header === '') return accepted(user)
  if (header.length <= longestSessionName) return accepted(header)
  const message = `the header ${sessionHeader} must be at most ${longestSessionName} characters long, got ${header.length}`
  return refused(badInput(sessionHeader, message))
}
