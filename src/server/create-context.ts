import type { FastifyRequest } from 'fastify'
import { keyDigest } from './authorization.ts'
import type { Exchange } from './exchange.ts'
import { faultOf } from './framework-fault.ts'
import { lingerAndClose } from './linger.ts'
import { openAiPath } from './openai-path.ts'
import { openAiError, problem, retryHeaders } from './refusal.ts'
import type { RequestLog } from './request-log.ts'
import type { ServerContext } from './server-context.ts'
import type { ServerSettings } from './server-options.ts'

/**
 * Makes what the routes share.
 *
 * @param keyed Whether a key is asked for.
 */
export function createContext(settings: ServerSettings, log: RequestLog, keyed: boolean): ServerContext {
  const { running, models, clock, limits, deadlineMs, heartbeatMs, logger } = settings
  const exchanges = new WeakMap<FastifyRequest, Exchange>()
  const context: ServerContext = {
    running,
    models,
    clock,
    limits,
    deadlineMs,
    heartbeatMs,
    log,
    exchangeOf(request) {
      let exchange = exchanges.get(request)
      if (exchange === undefined) {
        exchange = { id: request.id, startedAt: clock.now(), route: request.routeOptions.url ?? 'unmatched' }
        exchanges.set(request, exchange)
      }
      return exchange
    },
    callerOf: ({ headers }) => (keyed ? keyDigest(headers.authorization) : ''),
    reportFault(request, error) {
      const fault = faultOf(error, limits)
      if (fault.status === 500) logger.error({ request: request.id, ...whereItFailed(error) }, 'the server failed')
      return fault
    },
    refuse(reply, refusal) {
      const { raw } = reply.request
      if (!raw.complete) {
        // Node would close at once where this is the connection's last answer.
        raw.socket.destroySoon = () => {
          lingerAndClose(raw.socket, clock)
        }
      }
      const exchange = context.exchangeOf(reply.request)
      exchange.code = refusal.code
      if (refusal.param !== null) exchange.param = refusal.param
      void reply.code(refusal.status).headers(retryHeaders(refusal))
      if (refusal.status === 401) void reply.header('www-authenticate', 'Bearer')
      if (openAiPath.test(reply.request.url)) return reply.send(openAiError(refusal))
      return reply.type('application/problem+json').send(JSON.stringify(problem(refusal)))
    },
  }
  return context
}

/** Where in the code; what the error says may quote the prompt. */
function whereItFailed(error: unknown): object {
  if (!(error instanceof Error)) return { error: typeof error }
  const at = error.stack?.split('\n').filter((line) => /^ +at /.test(line))
  return { error: error.name, ...(at !== undefined && { at: at.map((line) => line.trim()) }) }
}
