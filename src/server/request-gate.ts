import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { BodyDeadline } from './body-deadline.ts'
import { clientLeft } from './client-ending.ts'
import type { Connections } from './connections.ts'
import type { Cors } from './cors.ts'
import type { ServerLimits } from './limits.ts'
import type { Refusal } from './refusal.ts'
import { headFault } from './request-head.ts'
import type { ServerContext } from './server-context.ts'

/** What every request goes through before a route sees it. */
export interface RequestGate {
  /** Opens its books, which are closed when its response is over. */
  begin(request: FastifyRequest, reply: FastifyReply): void
  /** Why nobody may send it, whoever it is. */
  unfit(request: FastifyRequest): Refusal | undefined
  /** Why this client may not send it. */
  admit(request: FastifyRequest): Refusal | undefined
}

/** What the gate asks. */
interface GateOptions {
  readonly context: ServerContext
  readonly connections: Connections
  readonly bodies: BodyDeadline
  readonly cors: Cors
  /** Why somebody may not ask; routes of health are open to all. */
  readonly keepOut: (headers: IncomingHttpHeaders) => Refusal | undefined
}

/** Routes that tell nothing worth protecting and that a supervisor of processes asks without a key. */
const openRoutes: readonly string[] = ['/healthz', '/readyz']

/** Makes the gate of a server. */
export function createRequestGate({ context, connections, bodies, cors, keepOut }: GateOptions): RequestGate {
  const { limits, log, exchangeOf } = context
  const gate: RequestGate = {
    begin(request, reply) {
      const exchange = exchangeOf(request)
      void reply.header('x-request-id', exchange.id)
      // On the bare response, so that they are also there where an answer is streamed past the framework.
      for (const [name, value] of Object.entries(cors.headers(request.raw))) reply.raw.setHeader(name, value)
      connections.begin(request, reply)
      reply.raw.once('close', () => {
        bodies.end(request)
        exchange.answer?.cancel(clientLeft)
        log.ended(exchange, reply.raw)
      })
    },
    unfit: (request) =>
      connections.isExcess(request.raw.socket) ? tooManyConnections(limits) : headFault(request.raw, limits),
    admit(request) {
      const fault = gate.unfit(request)
      if (fault !== undefined) return fault
      if (openRoutes.includes(request.routeOptions.url ?? '')) return undefined
      return keepOut(request.headers)
    },
  }
  return gate
}

function tooManyConnections({ connections }: Required<ServerLimits>): Refusal {
  const message = `the server has as many connections open as the limit connections of ${connections}; try again later`
  return { status: 503, message, type: 'server_error', param: null, code: 'too_many_connections', retryAfterMs: 1000 }
}
