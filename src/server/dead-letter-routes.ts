import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { show } from '../../operators/index.ts'
import {
  type DeadLetterStore,
  type SpooledDeadLetterStore,
  type StoredDeadLetter,
  StoreError,
} from '../stores/index.ts'
import { checkListQuery, checkPurgeQuery, checkReplayBody, type LetterSelection } from './dead-letter-selection.ts'
import { jsonOf } from './json-request.ts'
import { badInput, type Refusal, storeAway } from './refusal.ts'
import type { ServerContext } from './server-context.ts'

/** How long a store may take to an answer. */
const storeTimeoutMs = 10_000

type Named = FastifyRequest<{ Params: { id: string } }>

/**
 * Adds the routes of dead letters: list, show, replay, purge. None of them touches more than 100 entries: where there are
 * more that fit, the answer has a `cursor` for the next request. Without a store they are answered with 404.
 */
export function addDeadLetterRoutes(
  app: FastifyInstance,
  context: ServerContext,
  deadLetters: DeadLetterStore | undefined,
): void {
  const { clock, limits, refuse } = context

  app.get('/v1/dead-letters', async (request, reply) =>
    answer(reply, async (store, signal) => {
      const checked = checkListQuery(request.query)
      if (!checked.ok) return refuse(reply, checked.refusal)
      const { entries, cursor } = await store.list({ ...listOptions(checked.value), signal })
      const spool = await spoolOf(store)
      return reply.send({ entries: entries.map(headOf), ...(cursor !== undefined && { cursor }), ...spool })
    }),
  )

  app.get('/v1/dead-letters/:id', async (request: Named, reply) =>
    answer(reply, async (store, signal) => {
      const { id } = request.params
      const letter = await store.get(id, { signal })
      return letter === undefined ? refuse(reply, unknownLetter(id)) : reply.send(letter)
    }),
  )

  app.post('/v1/dead-letters/replay', async (request, reply) =>
    answer(reply, async (store, signal) => {
      const body = jsonOf(request, reply, limits.jsonDepth)
      if (!body.ok) return refuse(reply, body.refusal)
      const checked = checkReplayBody(body.value)
      if (!checked.ok) return refuse(reply, checked.refusal)
      const { ids, cursor } =
        'ids' in checked.value ? { ids: checked.value.ids } : await select(store, checked.value, signal)
      return reply.send(changed(ids, await store.replay(ids, { signal }), cursor))
    }),
  )

  app.delete('/v1/dead-letters', async (request, reply) =>
    answer(reply, async (store, signal) => {
      const checked = checkPurgeQuery(request.query)
      if (!checked.ok) return refuse(reply, checked.refusal)
      const { ids, cursor } = await select(store, checked.value, signal)
      const results = await store.purge(ids, { signal })
      return reply.send({ ...changed(ids, results, cursor), ...(await spoolOf(store)) })
    }),
  )

  app.delete('/v1/dead-letters/:id', async (request: Named, reply) =>
    answer(reply, async (store, signal) => {
      const { id } = request.params
      const [result] = await store.purge([id], { signal })
      return result === 'purged' ? reply.code(204).send() : refuse(reply, unknownLetter(id))
    }),
  )

  /** Asks the store, if there is one, and says so if it is away. */
  async function answer(
    reply: FastifyReply,
    ask: (store: DeadLetterStore, signal: AbortSignal) => Promise<unknown>,
  ): Promise<unknown> {
    if (deadLetters === undefined) return refuse(reply, notKept)
    const controller = new AbortController()
    let timer: unknown
    const late = new Promise<never>((_, reject) => {
      timer = clock.setTimeout(() => {
        controller.abort()
        reject(new StoreError(`it gave no answer within ${storeTimeoutMs} ms`))
      }, storeTimeoutMs)
    })
    try {
      return await Promise.race([ask(deadLetters, controller.signal), late])
    } catch (error) {
      if (isOfCursor(error)) return await refuse(reply, badInput('cursor', error.message))
      if (!(error instanceof StoreError)) throw error
      return await refuse(reply, storeAway(`the store of dead letters is away: ${error.message}`))
    } finally {
      clock.clearTimeout(timer)
    }
  }
}

/** Of what a client gives only a cursor is left for the store to judge: nobody else knows what one is. */
function isOfCursor(error: unknown): error is RangeError {
  return error instanceof RangeError && error.message.startsWith('cursor ')
}

/** The ids of a part of the entries that fit, and where the next part begins. */
async function select(
  store: DeadLetterStore,
  selection: LetterSelection,
  signal: AbortSignal,
): Promise<{ readonly ids: readonly string[]; readonly cursor?: string }> {
  const { entries, cursor } = await store.list({ ...listOptions(selection), signal })
  return { ids: entries.map(({ submissionId }) => submissionId), ...(cursor !== undefined && { cursor }) }
}

function listOptions({ filter, limit, cursor }: LetterSelection): Parameters<DeadLetterStore['list']>[0] {
  return { ...filter, ...(limit !== undefined && { limit }), ...(cursor !== undefined && { cursor }) }
}

function changed(ids: readonly string[], results: readonly string[], cursor: string | undefined): object {
  return {
    results: ids.map((submissionId, at) => ({ submissionId, result: results[at] })),
    ...(cursor !== undefined && { cursor }),
  }
}

/** How many wait in a spool, where no filter finds them; nothing of a store that has none, or whose spool does not say. */
async function spoolOf(store: DeadLetterStore & Partial<SpooledDeadLetterStore>): Promise<object> {
  const spooled = await store.spooled?.().catch(() => undefined)
  return spooled === undefined ? {} : { spooled }
}

/** An entry without what its caller has said: a page of them stays small. */
function headOf({ request: _, ...head }: StoredDeadLetter): Omit<StoredDeadLetter, 'request'> {
  return head
}

const notKept = badInput(null, 'this server keeps no dead letters', 'not_supported', 404)

function unknownLetter(id: string): Refusal {
  return badInput('id', `there is no dead letter ${show(id)}`, 'dead_letter_not_found', 404)
}
