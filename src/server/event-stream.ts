import type { OutgoingHttpHeaders } from 'node:http'
import type { FastifyReply } from 'fastify'
import type { ServedPipeline } from './server-context.ts'

/** What every response that is a stream of server-sent events says of itself: it is not to be kept or gathered on its way. */
export const eventStreamHeaders: Readonly<Record<string, string>> = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache',
  'x-accel-buffering': 'no',
}

/**
 * Begins a response of server-sent events, which from here on is written past the framework. The headers that were
 * set on the reply stay; where the pipeline is ending, the connection ends with the response.
 */
export function beginEventStream(reply: FastifyReply, running: Pick<ServedPipeline, 'state'>): void {
  reply.hijack()
  reply.raw.writeHead(200, {
    ...(reply.getHeaders() as OutgoingHttpHeaders),
    ...eventStreamHeaders,
    ...(running.state !== 'running' && { connection: 'close' }),
  })
}
