import type { FastifyInstance } from 'fastify'
import type { Registry } from 'prom-client'
import { type Counted, CountsProbe } from '../stores/counts-probe.ts'
import type { Refusal } from './refusal.ts'
import type { ServedCompletions, ServedEmbeddings, ServerContext } from './server-context.ts'
import { unknownModel } from './unknown-model.ts'

/** What `GET /v1/pipeline` and `GET /metrics` tell beside what the context holds. */
export interface InfoSources {
  /** The pipeline as it was defined; plain data. */
  readonly topology: unknown
  readonly registry: Registry
  readonly deadLetters: Counted | undefined
  /** The pipelines beside the one that answers chats. */
  readonly sides: readonly SidePipeline[]
}

type SidePipeline = Pick<ServedCompletions | ServedEmbeddings, 'name' | 'state' | 'stages' | 'ledger' | 'deadLetters'>

/** Adds the routes that only tell something: models, health, readiness, metrics, the pipeline. */
export function addInfoRoutes(
  app: FastifyInstance,
  context: ServerContext,
  { topology, registry, deadLetters, sides }: InfoSources,
): void {
  const { running, models, clock, refuse } = context
  const created = Math.floor(clock.wallTime() / 1000)
  const list = models.flatMap((info) =>
    info.models.map((id) => ({ id, object: 'model', created, owned_by: info.provider })),
  )

  const probe = deadLetters && new CountsProbe(deadLetters, clock)

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
  app.get('/readyz', async (request, reply) => {
    const obstacle = notReady([running, ...sides])
    if (obstacle !== undefined) return refuse(reply, obstacle)
    // A store that is away keeps no request from being answered.
    const stores = probe && { deadLetters: (await probe.read()) === undefined ? 'away' : 'ready' }
    return reply.send({ status: 'ready', ...(stores !== undefined && { stores }) })
  })
  app.get('/metrics', async (request, reply) => reply.type(registry.contentType).send(await registry.metrics()))
  app.get('/v1/pipeline', async () => ({
    ...figuresOf(running),
    topology,
    ...(probe !== undefined && { deadLetterStore: await storeFigures(probe) }),
    pipelines: sides.map(figuresOf),
  }))
}

function figuresOf(pipeline: SidePipeline): object {
  const { name, state, stages } = pipeline
  return { name, state, stages, ledger: pipeline.ledger(), deadLetters: pipeline.deadLetters() }
}

async function storeFigures(probe: CountsProbe): Promise<object> {
  const counts = await probe.read()
  return counts === undefined ? { state: 'away' } : { state: 'ready', ...counts }
}

/** Why no requests should be sent here now; `undefined` when they should. */
function notReady(pipelines: readonly SidePipeline[]): Refusal | undefined {
  for (const { name, state, stages } of pipelines) {
    if (state !== 'running') return unready(`the pipeline ${JSON.stringify(name)} is ${state}`)
    const down = Object.entries(stages).find(([, stage]) => stage.state === 'starting' || stage.state === 'failed')
    if (down === undefined) continue
    return unready(`the stage ${JSON.stringify(down[0])} of the pipeline ${JSON.stringify(name)} is ${down[1].state}`)
  }
  return undefined
}

function unready(message: string): Refusal {
  return { status: 503, message, type: 'server_error', param: null, code: 'not_ready' }
}
