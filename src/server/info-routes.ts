import type { FastifyInstance } from 'fastify'
import type { Registry } from 'prom-client'
import type { DeadLetterCounts, DeadLetterStore, SessionStore, SpooledDeadLetterStore } from '../stores/index.ts'
import { StoreProbe } from '../stores/store-probe.ts'
import type { Refusal } from './refusal.ts'
import type { ServedCompletions, ServedEmbeddings, ServerContext } from './server-context.ts'
import { unknownModel } from './unknown-model.ts'

/** What `GET /v1/pipeline` and `GET /metrics` tell beside what the context holds. */
export interface InfoSources {
  /** The pipeline as it was defined; plain data. */
  readonly topology: unknown
  readonly registry: Registry
  readonly deadLetters: CountedLetters | undefined
  readonly sessions: Pick<SessionStore, 'get'> | undefined
  /** The pipelines beside the one that answers chats. */
  readonly sides: readonly SidePipeline[]
}

/** A store of dead letters; `figures` are those of one that has a spool. */
type CountedLetters = Pick<DeadLetterStore, 'counts'> & Partial<Pick<SpooledDeadLetterStore, 'figures'>>

type SidePipeline = Pick<ServedCompletions | ServedEmbeddings, 'name' | 'state' | 'stages' | 'ledger' | 'deadLetters'>

/** Adds the routes that only tell something: models, health, readiness, metrics, the pipeline. */
export function addInfoRoutes(
  app: FastifyInstance,
  context: ServerContext,
  { topology, registry, deadLetters, sessions, sides }: InfoSources,
): void {
  const { running, models, clock, refuse } = context
  const created = Math.floor(clock.wallTime() / 1000)
  const list = models.flatMap((info) =>
    info.models.map((id) => ({ id, object: 'model', created, owned_by: info.provider })),
  )

  const letters = deadLetters && new StoreProbe((signal) => countsOf(deadLetters, signal), clock)
  const talks =
    sessions &&
    new StoreProbe(async (signal) => {
      await sessions.get(noSession, { signal })
      // One that is full answers all the same, and takes nothing, as its pipeline has found.
      return running.sessionStore === 'away' ? undefined : true
    }, clock)

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
    const [deadLetterState, sessionState] = await Promise.all([letters, talks].map(stateOf))
    const stores = {
      ...(deadLetterState !== undefined && { deadLetters: deadLetterState }),
      ...(sessionState !== undefined && { sessions: sessionState }),
    }
    return reply.send({ status: 'ready', ...(Object.keys(stores).length > 0 && { stores }) })
  })
  app.get('/metrics', async (request, reply) => reply.type(registry.contentType).send(await registry.metrics()))
  app.get('/v1/pipeline', async () => ({
    ...figuresOf(running),
    topology,
    ...(letters !== undefined && { deadLetterStore: await storeFigures(letters) }),
    ...(talks !== undefined && { sessionStore: { state: await stateOf(talks) } }),
    pipelines: sides.map(figuresOf),
  }))
}

function figuresOf(pipeline: SidePipeline): object {
  const { name, state, stages } = pipeline
  return { name, state, stages, ledger: pipeline.ledger(), deadLetters: pipeline.deadLetters() }
}

/** A session that nobody names, to see whether the store answers. */
const noSession = 'spillway: is the store there?'

async function stateOf(probe: StoreProbe<unknown> | undefined): Promise<'ready' | 'away' | undefined> {
  if (probe === undefined) return undefined
  return (await probe.read()) === undefined ? 'away' : 'ready'
}

/** What a store has; `undefined` of one that takes nothing, as its spool has found: one that is full answers all the same. */
async function countsOf(store: CountedLetters, signal: AbortSignal): Promise<DeadLetterCounts | undefined> {
  const counts = await store.counts({ signal })
  return store.figures?.state === 'away' ? undefined : counts
}

async function storeFigures(probe: StoreProbe<DeadLetterCounts | undefined>): Promise<object> {
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
