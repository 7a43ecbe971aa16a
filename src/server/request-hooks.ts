import type { FastifyInstance } from 'fastify'
import type { AllowedMethods } from './allowed-methods.ts'
import type { BodyDeadline } from './body-deadline.ts'
import type { Cors } from './cors.ts'
import { bodyTooLarge } from './framework-fault.ts'
import { badInput } from './refusal.ts'
import type { RequestGate } from './request-gate.ts'
import type { ServerContext } from './server-context.ts'

/** What the hooks ask. */
interface HookOptions {
  readonly context: ServerContext
  readonly gate: RequestGate
  readonly bodies: BodyDeadline
  readonly cors: Cors
  readonly allowed: AllowedMethods
}

/** Adds what happens to every request around its route: the gate, preflights, the body's time, and what is not there. */
export function addRequestHooks(app: FastifyInstance, { context, gate, bodies, cors, allowed }: HookOptions): void {
  const { running, limits, refuse, reportFault } = context
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    done(null, body)
  })
  app.addHook('onRequest', (request, reply, done) => {
    gate.begin(request, reply)
    const preflight = cors.preflight(request.raw)
    // A browser asks without the key whether it may ask with it.
    const fault = preflight === undefined ? gate.admit(request) : gate.unfit(request)
    if (fault !== undefined) refuse(reply, fault)
    else if (preflight !== undefined) void reply.code(204).headers(preflight).send()
    else done()
  })
  app.addHook('preParsing', (request, reply, payload, done) => {
    if (request.headers.expect !== undefined) {
      // Who asks first is told before it sends too much.
      if (Number(request.headers['content-length'] ?? 0) > limits.bodyBytes) {
        refuse(reply, bodyTooLarge(limits))
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
      return refuse(reply, badInput(null, `there is nothing at ${path.slice(0, 200)}`, 'not_found', 404))
    }
    void reply.header('allow', possible)
    const message = `${request.method} is not possible at ${path}, only ${possible}`
    return refuse(reply, badInput(null, message, 'method_not_allowed', 405))
  })
  app.setErrorHandler((error, request, reply) => {
    const fault = reportFault(request, error)
    // What is left of a body that is refused is read and thrown away, for a while: a client that is cut off while it
    // sends may not see the answer.
    void reply.removeHeader('connection')
    return refuse(reply, fault)
  })
}
