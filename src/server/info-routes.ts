import type { FastifyInstance } from 'fastify'
import type { Registry } from 'prom-client'
import type { Refusal } from './refusal.ts'
import type { ServerContext } from './server-context.ts'
import { unknownModel } from './unknown-model.ts'

/** What `GET /v1/pipeline` and `GET /metrics` tell beside what the context holds. */
export interface InfoSources {
  /** The pipeline as it was defined; plain data. */
  readonly topology: unknown
  readonly registry: Registry
}

/** Adds the routes that only tell something: models, health, readiness, metrics, the pipeline. */
export function addInfoRoutes(app: FastifyInstance, context: ServerContext, { topology, registry }: InfoSources): void {
  const { running, models, clock, refuse } = context
  const created = Math.floor(clock.wallTime() / 1000)
  const list = models.flatMap((info) =>
    info.models.map((id) => ({ id, object: 'model', created, owned_by: info.provider })),
  )

  app.get('/v1/models', () => ({ object: 'list', data: list }))
  // A model's name may have slashes in it, escaped or not.
  app.get<{ Params: { '*': string } }>('/v1/models/*', (request, reply) => {
    const name = request.params['*']
    const found = list.find(({ id }) => id === name)
    if (found !== undefined) return reply.send(found)
    const names = list.map(({ id }) => id)
    return refuse(reply, unknownModel(name, names))
  })
  app.get('/healthz', () => ({ status: 'alive' }))
  app.get('/readyz', (request, reply) => {
    const obstacle = notReady(context)
    return obstacle === undefined ? reply.send({ status: 'ready' }) : refuse(reply, obstacle)
  })
  app.get('/metrics', async (request, reply) => reply.type(registry.contentType).send(await registry.metrics()))
  app.get('/v1/pipeline', () => ({
    name: running.name,
    state: running.state,
    topology,
    stages: running.stages,
    ledger: running.ledger(),
  }))
}

/** Why no requests should be sent here now; `undefined` when they should. */
function notReady({ running }: ServerContext): Refusal | undefined {
  if (running.state !== 'running') return unready(`the pipeline is ${running.state}`)
  const down = Object.entries(running.stages).find(([, { state }]) => state === 'starting' || state === 'failed')
  return down === undefined ? undefined : unready(`the stage ${JSON.stringify(down[0])} is ${down[1].state}`)
}

function unready(message: string): Refusal {
  return { status: 503, message, type: 'server_error', param: null, code: 'not_ready' }
}
