import type { FastifyInstance } from 'fastify'
import type { AnswerHead } from './chunk-frames.ts'
import { checkCompletionRequest } from './completion-request.ts'
import { jsonOf } from './json-request.ts'
import { badInput } from './refusal.ts'
import { sendStreamed, sendWhole } from './send-answer.ts'
import type { ServedCompletions, ServerContext } from './server-context.ts'
import { textCompletion, TextFrames } from './text-frames.ts'
import { readWhole } from './whole-answer.ts'

/** Adds `POST /v1/completions`: where no pipeline continues bare texts it is answered with 404, which says so. */
export function addCompletionsRoute(
  app: FastifyInstance,
  context: ServerContext,
  completions: ServedCompletions | undefined,
): void {
  const { models, clock, limits, deadlineMs, exchangeOf, refuse } = context

  app.post('/v1/completions', async (request, reply) => {
    if (completions === undefined) {
      const message = 'no model here continues bare texts; use /v1/chat/completions'
      return refuse(reply, badInput(null, message, 'not_supported', 404))
    }
    const exchange = exchangeOf(request)
    const body = jsonOf(request, reply, limits.jsonDepth)
    if (!body.ok) return refuse(reply, body.refusal)
    const checked = checkCompletionRequest(body.value, { models, promptChars: limits.promptChars })
    if (!checked.ok) return refuse(reply, checked.refusal)
    if (reply.raw.destroyed) return reply.hijack()

    const { prompt, stream, includeUsage } = checked.value
    const answer = completions.submit({ ...prompt, id: exchange.id, ...(deadlineMs !== undefined && { deadlineMs }) })
    exchange.answer = answer
    const head: AnswerHead = {
      id: `cmpl-${answer.submissionId}`,
      created: Math.floor(clock.wallTime() / 1000),
      model: prompt.model,
    }
    if (stream) return sendStreamed(reply, answer, new TextFrames(head, includeUsage), context)
    return sendWhole(reply, answer, async () => textCompletion(await readWhole(answer), head), context)
  })
}
