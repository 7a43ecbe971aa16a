import type { FastifyInstance } from 'fastify'
import { type ChatRequest, checkChatRequest, longestSessionName } from './chat-request.ts'
import { accepted, type Checked, refused } from './checked.ts'
import { type AnswerHead, ChunkFrames } from './chunk-frames.ts'
import { jsonOf } from './json-request.ts'
import { badInput } from './refusal.ts'
import { sendStreamed, sendWhole } from './send-answer.ts'
import type { ServerContext } from './server-context.ts'
import { chatCompletion, readWhole } from './whole-answer.ts'

const sessionHeader = 'x-session-id'

/** Adds `POST /v1/chat/completions`. */
export function addChatRoute(app: FastifyInstance, context: ServerContext): void {
  const { running, models, clock, limits, deadlineMs, exchangeOf, refuse } = context

  app.post('/v1/chat/completions', async (request, reply) => {
    const exchange = exchangeOf(request)
    const body = jsonOf(request, reply, limits.jsonDepth)
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
    return sendWhole(reply, answer, async () => chatCompletion(await readWhole(answer), head), context)
  })
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
