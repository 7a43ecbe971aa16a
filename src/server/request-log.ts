import type { ServerResponse } from 'node:http'
import { Counter, type Registry } from 'prom-client'
import type { Clock } from '../../operators/index.ts'
import type { Logger } from '../logger.ts'
import { sessionDigest } from '../session-digest.ts'
import { ClientEnding, endedByClient } from './client-ending.ts'
import type { Exchange } from './exchange.ts'

/** What is seen of a response that is over. */
type EndedResponse = Pick<ServerResponse, 'writableFinished' | 'statusCode'>

/** Tells the log and the metrics what became of what came in. */
export interface RequestLog {
  /** A response is over, whole or broken off. */
  readonly ended: (exchange: Exchange, response: EndedResponse) => void
  /** A WebSocket is over, with this code. */
  readonly socketClosed: (code: number) => void
  /** Something never became a request. */
  readonly notUnderstood: (status: number, code: string) => void
}

/** Makes what keeps the server's books. */
export function createRequestLog({
  logger,
  registry,
  metricsPrefix,
  clock,
}: {
  readonly logger: Logger
  readonly registry: Registry
  readonly metricsPrefix: string
  readonly clock: Clock
}): RequestLog {
  const requests = new Counter({
    name: `${metricsPrefix}http_requests_total`,
    help: 'HTTP requests by route and status; 499: its own client ended it',
    labelNames: ['route', 'status'],
    registers: [registry],
  })

  const sockets = new Counter({
    name: `${metricsPrefix}http_sockets_closed_total`,
    help: 'WebSockets that are over, by the code with which they were closed; 1006: broken off',
    labelNames: ['code'],
    registers: [registry],
  })

  const ended = (exchange: Exchange, response: EndedResponse): void => {
    const { id, route, session, answer, code, param } = exchange
    const settled = answer?.settled
    const byClient = settled?.kind === 'cancelled' && settled.reason instanceof ClientEnding
    const sent = response.writableFinished && !byClient
    const status = exchange.status ?? (sent ? response.statusCode : endedByClient)
    requests.inc({ route, status })
    const fields = {
      request: id,
      route,
      status,
      durationMs: Math.round((clock.now() - exchange.startedAt) * 10) / 10,
      ...(session !== undefined && { session: sessionDigest(session) }),
      ...(settled !== undefined && { outcome: settled.kind }),
      ...(settled !== undefined && 'stage' in settled && { stage: settled.stage }),
      ...(code !== undefined && { code }),
      ...(param !== undefined && { param }),
    }
    // The pipeline warns of what it sheds, once a second at the most; a line for each would be what it avoids.
    if (settled?.kind === 'shed') logger.debug(fields, 'request shed')
    else logger.info(fields, 'request')
  }
  return {
    ended,
    socketClosed(code) {
      // A client may close with a code of its own.
      sockets.inc({ code: code >= 1000 && code <= 1015 ? code : 'other' })
    },
    notUnderstood(status, code) {
      requests.inc({ route: 'unmatched', status })
      logger.info({ route: 'unmatched', status, code }, 'request not understood')
    },
  }
}
