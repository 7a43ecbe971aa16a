import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { ServerLimits } from './limits.ts'
import type { TlsOptions } from './tls.ts'

/** Connections beyond the limit that are still accepted, to be told so. */
const toldOff = 1_024

/**
 * Makes the server beneath the framework, with the limits that Node itself keeps; with `tls` it speaks TLS 1.2 or newer.
 *
 * @param handler Also gets requests that expect something, before they have been told to go on: who refuses one
 * does so before its body is sent.
 */
export function createListener(
  handler: RequestListener,
  limits: Required<ServerLimits>,
  tls: TlsOptions | undefined,
): Server {
  const { headersTimeoutMs, bodyTimeoutMs } = limits
  const options: ServerOptions = {
    maxHeaderSize: limits.headerBytes,
    headersTimeout: headersTimeoutMs,
    // For bodies that nobody waits for, because their request has been refused: they are read to their end, as a
    // client that is cut off while it sends may not see the answer.
    requestTimeout: headersTimeoutMs + bodyTimeoutMs,
    connectionsCheckingInterval: Math.ceil(headersTimeoutMs / 8),
    keepAliveTimeout: limits.idleTimeoutMs,
    // Missing hosts are refused like everything else, with a body and in the books.
    requireHostHeader: false,
    // Other upgrades are declined by answering as if they were not asked for; older versions of Node divert them all.
    shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === 'websocket',
  }
  const server =
    tls === undefined
      ? createServer(options, handler)
      : createSecureServer({ ...options, ...tls, minVersion: 'TLSv1.2', handshakeTimeout: headersTimeoutMs }, handler)
  // Ours counts them, and says so; what Node has to hold is bounded by their bytes.
  server.maxHeadersCount = 0
  server.maxConnections = limits.connections + toldOff
  return server.on('checkContinue', handler).on('checkExpectation', handler)
}
