import { randomUUID } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import { Server as TlsServer } from 'node:tls'
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { Registry } from 'prom-client'
import { checkInteger, checkKeys, checkNumber, checkText, type Clock, systemClock } from '../../operators/index.ts'
import { type Logger, silentLogger } from '../logger.ts'
import type { ModelInfo } from '../workers/model-worker.ts'
import { createAuthorization, keyDigest } from './authorization.ts'
import { addChatRoute } from './chat-route.ts'
import { addCompletionsRoute } from './completions-route.ts'
import { addEmbeddingsRoute } from './embeddings-route.ts'
import { createAllowedMethods } from './allowed-methods.ts'
import { createBodyDeadline } from './body-deadline.ts'
import { createCors } from './cors.ts'
import { answerConnection, createClientErrorHandler } from './client-error.ts'
import { checkParts } from './check-parts.ts'
import { watchConnections } from './connections.ts'
import { type Exchange, requestId } from './exchange.ts'
import { bodyTooLarge, faultOf } from './framework-fault.ts'
import { addInfoRoutes } from './info-routes.ts'
import { checkLimits, type ServerLimits } from './limits.ts'
import { lingerAndClose } from './linger.ts'
import { createListener } from './listener.ts'
import { openAiPath } from './openai-path.ts'
import { addOpenApiRoute } from './openapi-route.ts'
import type { RegisteredRoute } from './openapi/document.ts'
import { badInput, openAiError, problem, type Refusal, retryHeaders } from './refusal.ts'
import { headFault, originForm } from './request-head.ts'
import { createRequestLog } from './request-log.ts'
import type { ServedCompletions, ServedEmbeddings, ServedPipeline, ServerContext } from './server-context.ts'
import { addSocketRoute } from './socket-route.ts'
import { addStreamRoutes } from './stream-routes.ts'
import { checkTls, type TlsOptions } from './tls.ts'
import { urlOf } from './url-of.ts'

/** What a server serves and how. */
export interface ServerOptions {
  /** The pipeline that answers; the server neither starts nor drains it. */
  readonly running: ServedPipeline
  /** What continues bare texts at `/v1/completions`; default: nothing does, which is answered with 404. */
  readonly completions?: ServedCompletions
  /** What makes vectors at `/v1/embeddings`; default: nothing does, which is answered with 404. */
  readonly embeddings?: ServedEmbeddings
  /** The models that may be asked for, the default first; at least one. */
  readonly models: readonly ModelInfo[]
  /** The pipeline as it was defined, told by `GET /v1/pipeline`; plain data. */
  readonly topology?: unknown
  /** Default: writes nothing. It gets ids, figures and digests of sessions, never their names or a prompt's text. */
  readonly logger?: Logger
  /** Where the server counts its requests and what `GET /metrics` shows; default: one of its own. */
  readonly registry?: Registry
  /** What the metrics' names begin with, as in the pipeline's; default `'orchestrator_'`. */
  readonly metricsPrefix?: string
  /** The bearer token that every route but health asks for, or several of which each will do; default: none is asked for. */
  readonly apiKey?: string | readonly string[]
  /** Milliseconds in which a request must be answered, 1 or more; default: no limit. Beyond: 504. */
  readonly deadlineMs?: number
  readonly limits?: ServerLimits
  /** Certificate and key of a server that speaks TLS, and nothing else; default: it speaks plain HTTP. */
  readonly tls?: TlsOptions
  /**
   * Origins whose pages may call, exact such as `'https://chat.example.org'`, or `'*'` for all; default: none. Their
   * preflights need no key, and cookies are no part of it.
   */
  readonly corsOrigins?: readonly string[]
  /** Milliseconds of silence in a streamed answer after which a comment is sent, 100 … 3,600,000; default 15,000. */
  readonly heartbeatMs?: number
  /** Default: the machine's clock. The time limits on sending a request are Node's own and do not heed it. */
  readonly clock?: Clock
  /** Names requests that come without an `x-request-id`; default: random UUIDs. */
  readonly newId?: () => string
}

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

/** Where a server listens. */
export interface ServerAddress {
  readonly host: string
  readonly port: number
  /** E.g. `'http://127.0.0.1:8080'`. */
  readonly url: string
}

const optionKeys = [
  'running',
  'completions',
  'embeddings',
  'models',
  'topology',
  'logger',
  'registry',
  'metricsPrefix',
  'apiKey',
  'deadlineMs',
  'limits',
  'tls',
  'corsOrigins',
  'heartbeatMs',
  'clock',
  'newId',
] as const satisfies readonly (keyof ServerOptions)[]

/** Routes that tell nothing worth protecting and that a supervisor of processes asks without a key. */
const openRoutes: readonly string[] = ['/healthz', '/readyz']

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
  checkKeys('createServer', options, optionKeys)
  const { running, models, topology, clock = systemClock, logger = silentLogger, newId = randomUUID } = options
  const { registry = new Registry(), heartbeatMs = 15_000, deadlineMs } = options
  const { completions, embeddings } = options
  checkParts({ running, completions, embeddings, models, logger, newId })
  const sides = [completions, embeddings].filter((each) => each !== undefined)
  checkNumber('heartbeatMs', heartbeatMs, { min: 100, max: 3_600_000 })
  if (deadlineMs !== undefined) checkNumber('deadlineMs', deadlineMs, { min: 1 })
  const limits = checkLimits(options.limits)
  const tls = options.tls === undefined ? undefined : checkTls(options.tls)
  const cors = createCors(options.corsOrigins)
  const authorize = createAuthorization(options.apiKey)
  const metricsPrefix = checkText('metricsPrefix', options.metricsPrefix ?? 'orchestrator_')
  const log = createRequestLog({ logger, registry, metricsPrefix, clock })
  const exchanges = new WeakMap<FastifyRequest, Exchange>()
  const allowed = createAllowedMethods()
  const routes: RegisteredRoute[] = []

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
    callerOf: ({ headers }) => (options.apiKey === undefined ? '' : keyDigest(headers.authorization)),
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

  const app = fastify({
    bodyLimit: limits.bodyBytes,
    // A request's id may be of 128 characters, each of them escaped.
    routerOptions: { maxParamLength: 3 * 128 },
    serverFactory: (handler) => createListener(handler, limits, tls),
    rewriteUrl: (request) => originForm(request.url ?? '/'),
    // While it shuts down the pipeline refuses by itself, in the shape that clients understand.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    genReqId: (request) => requestId(request.headers['x-request-id'], newId),
    clientErrorHandler: (error, socket) => {
      answerClientError(error, socket)
    },
    frameworkErrors(error, request, reply) {
      begin(request, reply)
      void context.refuse(reply, admit(request) ?? faultOf(error, limits))
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
  const begin = (request: FastifyRequest, reply: FastifyReply): void => {
    const exchange = context.exchangeOf(request)
    void reply.header('x-request-id', exchange.id)
    // On the bare response, so that they are also there where an answer is streamed past the framework.
    for (const [name, value] of Object.entries(cors.headers(request.raw))) reply.raw.setHeader(name, value)
    connections.begin(request, reply)
    reply.raw.once('close', () => {
      bodies.end(request)
      exchange.answer?.cancel('the client has left')
      log.ended(exchange, reply.raw)
    })
  }

  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    done(null, body)
  })
  app.addHook('onRoute', ({ url, method }) => {
    allowed.add(url, method)
    for (const name of Array.isArray(method) ? method : [method]) routes.push({ method: name, url })
  })
  app.addHook('onRequest', (request, reply, done) => {
    begin(request, reply)
    const preflight = cors.preflight(request.raw)
    // A browser asks without the key whether it may ask with it.
    const fault = preflight === undefined ? admit(request) : unfit(request)
    if (fault !== undefined) context.refuse(reply, fault)
    else if (preflight !== undefined) void reply.code(204).headers(preflight).send()
    else done()
  })
  app.addHook('preParsing', (request, reply, payload, done) => {
    if (request.headers.expect !== undefined) {
      // Who asks first is told before it sends too much.
      if (Number(request.headers['content-length'] ?? 0) > limits.bodyBytes) {
        context.refuse(reply, bodyTooLarge(limits))
        return
      }
      reply.raw.writeContinue()
    }
    bodies.begin(request, reply)
    done(null, payload)
  })
  app.addHook('preValidation', (request, reply, done) => {
    bodies.end(request)
    done()
  })
  app.addHook('onSend', (request, reply, payload, done) => {
    if (running.state !== 'running') void reply.header('connection', 'close')
    done(null, payload)
  })
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.replace(/\?.*/s, '')
    const possible = allowed.at(path)
    if (possible === undefined) {
      return context.refuse(reply, badInput(null, `there is nothing at ${path.slice(0, 200)}`, 'not_found', 404))
    }
    void reply.header('allow', possible)
    const message = `${request.method} is not possible at ${path}, only ${possible}`
    return context.refuse(reply, badInput(null, message, 'method_not_allowed', 405))
  })
  app.setErrorHandler((error, request, reply) => {
    const fault = context.reportFault(request, error)
    // What is left of a body that is refused is read and thrown away, for a while: a client that is cut off while it
    // sends may not see the answer.
    void reply.removeHeader('connection')
    return context.refuse(reply, fault)
  })
  addChatRoute(app, context)
  addCompletionsRoute(app, context, completions)
  addEmbeddingsRoute(app, context, embeddings)
  const streamRoutes = addStreamRoutes(app, context)
  const socketRoute = addSocketRoute(app, context, (request) => options.apiKey !== undefined || cors.allows(request))
  addInfoRoutes(app, context, { topology, registry, sides })
  addOpenApiRoute(app, routes, options.apiKey !== undefined)

  function unfit(request: FastifyRequest): Refusal | undefined {
    return connections.isExcess(request.raw.socket) ? tooManyConnections(limits) : headFault(request.raw, limits)
  }

  function admit(request: FastifyRequest): Refusal | undefined {
    const fault = unfit(request)
    if (fault !== undefined) return fault
    if (openRoutes.includes(request.routeOptions.url ?? '')) return undefined
    return authorize(request.headers.authorization)
  }

  return {
    async listen({ host = '127.0.0.1', port = 8080 } = {}) {
      checkText('host', host)
      checkInteger('port', port, { max: 65_535 })
      return listen(app, host, port)
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

/** A burst of clients that connect at once waits in the system's queue instead of being told to try again. */
const backlog = 4096

async function listen(app: FastifyInstance, host: string, port: number): Promise<ServerAddress> {
  // The framework would open a second server for the other address of this name, without the limits of the first.
  const address = host === 'localhost' ? (await lookup(host)).address : host
  await app.listen({ host: address, port, backlog })
  const listening = app.server.address()
  const bound = typeof listening === 'object' && listening !== null ? listening.port : port
  return { host, port: bound, url: urlOf(host, bound, app.server instanceof TlsServer) }
}

function tooManyConnections({ connections }: Required<ServerLimits>): Refusal {
  const message = `the server has as many connections open as the limit connections of ${connections}; try again later`
  return { status: 503, message, type: 'server_error', param: null, code: 'too_many_connections', retryAfterMs: 1000 }
}

function lateBody({ bodyTimeoutMs }: Required<ServerLimits>): Refusal {
  const message = `the body was not sent within the limit bodyTimeoutMs of ${bodyTimeoutMs} ms`
  return badInput(null, message, 'body_timeout', 408)
}

/** Where in the code; what the error says may quote the prompt. */
function whereItFailed(error: unknown): object {
  if (!(error instanceof Error)) return { error: typeof error }
  const at = error.stack?.split('\n').filter((line) => /^ +at /.test(line))
  return { error: error.name, ...(at !== undefined && { at: at.map((line) => line.trim()) }) }
}
