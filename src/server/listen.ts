import { lookup } from 'node:dns/promises'
import { Server as TlsServer } from 'node:tls'
import type { FastifyInstance } from 'fastify'
import { checkInteger, checkText } from '../../operators/index.ts'
import { urlOf } from './url-of.ts'

/** Where a server listens. */
export interface ServerAddress {
  readonly host: string
  readonly port: number
  /** E.g. `'http://127.0.0.1:8080'`. */
  readonly url: string
}

/** A burst of clients that connect at once waits in the system's queue instead of being told to try again. */
const backlog = 4096

/**
 * Begins to listen.
 *
 * @throws TypeError or RangeError naming what is wrong with the address, or Node's error.
 */
export async function listen(app: FastifyInstance, host: string, port: number): Promise<ServerAddress> {
  checkText('host', host)
  checkInteger('port', port, { max: 65_535 })
  // The framework would open a second server for the other address of this name, without the limits of the first.
  const address = host === 'localhost' ? (await lookup(host)).address : host
  await app.listen({ host: address, port, backlog })
  const listening = app.server.address()
  const bound = typeof listening === 'object' && listening !== null ? listening.port : port
  return { host, port: bound, url: urlOf(host, bound, app.server instanceof TlsServer) }
}
