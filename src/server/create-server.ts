import { Server as TlsServer } from 'node:tls'
import { fastify } from 'fastify'
import { checkNumber } from '../../operators/index.ts'
import { createAllowedHosts } from './allowed-hosts.ts'
import { createAllowedMethods } from './allowed-methods.ts'
import { createAuthorization } from './authorization.ts'
import { createBodyDeadline } from './body-deadline.ts'
import { addChatRoute } from './chat-route.ts'
import { answerConnection, createClientErrorHandler } from './client-error.ts'
import { addCompletionsRoute } from './completions-route.ts'
import { watchConnections } from './connections.ts'
import { createCors } from './cors.ts'
import { createContext } from './create-context.ts'
import { addDeadLetterRoutes } from './dead-letter-routes.ts'
import { addEmbeddingsRoute } from './embeddings-route.ts'
import { requestId } from './exchange.ts'
import { faultOf } from './framework-fault.ts'
import { addInfoRoutes } from './info-routes.ts'
import type { ServerLimits } from './limits.ts'
import { listen, type ServerAddress } from './listen.ts'
import { createListener } from './listener.ts'
import { addOpenApiRoute } from './openapi-route.ts'
import type { RegisteredRoute } from './openapi/document.ts'
import { badInput, type Refusal } from './refusal.ts'
import { createRequestGate } from './request-gate.ts'
import { originForm } from './request-head.ts'
import { addRequestHooks } from './request-hooks.ts'
import { createRequestLog } from './request-log.ts'
import { checkServerOptions, type ServerOptions } from './server-options.ts'
import { addSocketRoute } from './socket-route.ts'
import { addStreamRoutes } from './stream-routes.ts'
import { checkTls, type TlsOptions } from './tls.ts'

/** An HTTP server in front of a pipeline. */
export interface SpillwayServer {
  /**
   * Begins to listen; rejects with Node's error (`EADDRINUSE` …) where that is impossible.
   *
   * @param address.host Default `'127.0.0.1'`.
   * @param address.port 0 … 65,535, 0 for any that is free; default 8080.
   * @returns Where it listens.
   */
  listen(address?: { readonly host?: string; readonly port?: number }): Promise<ServerAddress>
  /**
   * Uses another certificate and key for connections that come from now on; those that are open stay.
   *
   * @throws TypeError or RangeError naming what is wrong, also where the server does not speak TLS.
   */
  renewTls(tls: TlsOptions): void
  /**
   * Stops listening, closes idle connections and resolves when the responses that are under way are sent. Drain the
   * pipeline first.
   *
   * @param options.graceMs Milliseconds after which connections are cut off that are still open, 0 or more; default 5,000.
   */
  close(options?: { readonly graceMs?: number }): Promise<void>
}

/**
 * Makes the HTTP server of a pipeline: chat completions as OpenAI's clients know them, models, health, metrics.
 *
 * @example
 * ```ts
 * const running = chatPipeline({ worker }).start()
 * const server = createServer({ running, models: [worker.info] })
 * const { url } = await server.listen({ port: 8080 })
 * // …
 * await running.drain()
 * await server.close()
 * ```
 *
 * @throws TypeError or RangeError naming the option that is wrong.
 */
export function createServer(options: ServerOptions): SpillwayServer {
  const settings = checkServerOptions(options)
  const { limits, clock, newId, completions, embeddings, deadLetters, sessions, topology, registry } = settings
  const cors = createCors(options.corsOrigins)
  const authorize = createAuthorization(options.apiKey)
  const hosts = createAllowedHosts(options.allowedHosts)
  const keyed = options.apiKey !== undefined
  const log = createRequestLog(settings)
  const context = createContext(settings, log, keyed)
  const allowed = createAllowedMethods()
  const routes: RegisteredRoute[] = []

  const app = fastify({
    bodyLimit: limits.bodyBytes,
    // A request's id may be of 128 characters, each of them escaped.
    routerOptions: { maxParamLength: 3 * 128 },
    serverFactory: (handler) => createListener(handler, limits, settings.tls),
    rewriteUrl: (request) => originForm(request.url ?? '/'),
    // While it shuts down the pipeline refuses by itself, in the shape that clients understand.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    genReqId: (request) => requestId(request.headers['x-request-id'], newId),
    clientErrorHandler: (error, socket) => {
      answerClientError(error, socket)
    },
    frameworkErrors(error, request, reply) {
      gate.begin(request, reply)
      void context.refuse(reply, gate.admit(request) ?? faultOf(error, limits))
    },
  })
  const connections = watchConnections(app.server, {
    max: limits.connections,
    unreadTimeoutMs: limits.unreadTimeoutMs,
    clock,
  })
  const answerClientError = createClientErrorHandler({
    limits,
    connections,
    clock,
    newId,
    refuse: context.refuse,
    onAnswered: log.notUnderstood,
  })
  app.server.on('connect', (request, socket) => {
    const refusal = badInput(null, 'this server is no proxy: CONNECT is not possible', 'method_not_allowed', 405)
    log.notUnderstood(refusal.status, refusal.code)
    answerConnection(socket, refusal, newId(), clock)
  })
  const bodies = createBodyDeadline({ timeoutMs: limits.bodyTimeoutMs, clock }, (request, reply) => {
    void reply.header('connection', 'close')
    context.refuse(reply, lateBody(limits))
  })
  const gate = createRequestGate({
    context,
    connections,
    bodies,
    cors,
    // A page that was rebound to this machine has no key to show.
    keepOut: ({ authorization, host }) => (keyed ? authorize(authorization) : hosts.fault(host)),
  })

  app.addHook('onRoute', ({ url, method }) => {
    allowed.add(url, method)
    for (const name of Array.isArray(method) ? method : [method]) routes.push({ method: name, url })
  })
  addRequestHooks(app, { context, gate, bodies, cors, allowed })
  addChatRoute(app, context)
  addCompletionsRoute(app, context, completions)
  addEmbeddingsRoute(app, context, embeddings)
  const streamRoutes = addStreamRoutes(app, context)
  const socketRoute = addSocketRoute(app, context, (request) => keyed || cors.allows(request))
  const sides = [completions, embeddings].filter((each) => each !== undefined)
  addDeadLetterRoutes(app, context, deadLetters)
  addInfoRoutes(app, context, { topology, registry, sides, deadLetters, sessions })
  addOpenApiRoute(app, routes, keyed)

  return {
    async listen({ host = '127.0.0.1', port = 8080 } = {}) {
      const address = await listen(app, host, port)
      hosts.add(host)
      return address
    },
    renewTls(renewed) {
      if (!(app.server instanceof TlsServer)) throw new RangeError('renewTls is for a server that was made with tls')
      app.server.setSecureContext({ ...checkTls(renewed), minVersion: 'TLSv1.2' })
    },
    async close({ graceMs = 5_000 } = {}) {
      checkNumber('graceMs', graceMs)
      connections.stop()
      bodies.stop()
      streamRoutes.close()
      socketRoute.close()
      const closed = app.close()
      connections.closeUnused()
      const cut = clock.setTimeout(() => {
        app.server.closeAllConnections()
        socketRoute.cut()
      }, graceMs)
      await closed
      clock.clearTimeout(cut)
    },
  }
}

function lateBody({ bodyTimeoutMs }: Required<ServerLimits>): Refusal {
  const message = `the body was not sent within the limit bodyTimeoutMs of ${bodyTimeoutMs} ms`
  return badInput(null, message, 'body_timeout', 408)
}
