import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createServer, type SpillwayServer } from '../../../src/server/index.ts'
import { changedLettersSchema, deadLetterListSchema, deadLetterSchema } from '../../../src/server/openapi/answers.ts'
import { createSpooledDeadLetterStore, createSqliteDeadLetterStore, StoreError } from '../../../src/stores/index.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { LetterShelf, letterOf } from '../../fixtures/letter-shelf.ts'
import { answering, scriptedPipeline } from './scripted-pipeline.ts'

const models = [{ id: 'm', provider: 'test', models: ['m'], capabilities: ['chat'] }] as const
const strangeId = 'a/b?c#d %2F é replay'
let shelf: LetterShelf
let server: SpillwayServer
let url: string

beforeEach(async () => {
  shelf = new LetterShelf()
    .add(letterOf('s1', { firstSeenAt: 1_000 }), { state: 'dead' })
    .add(letterOf('s2', { firstSeenAt: 2_000, stage: 'rag' }), { state: 'dead' })
    .add(letterOf(strangeId, { firstSeenAt: 3_000 }))
  server = createServer({ running: scriptedPipeline(answering).running, models, deadLetters: shelf })
  url = (await server.listen({ port: 0 })).url
})
afterEach(() => server.close({ graceMs: 0 }))

interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

async function call(method: string, path: string, body?: unknown): Promise<Answer> {
  const response = await fetch(`${url}/v1/dead-letters${path}`, {
    method,
    ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, body: text === '' ? {} : (JSON.parse(text) as Answer['body']) }
}

const ids = ({ body }: Answer): readonly unknown[] =>
  (body['entries'] as readonly { readonly submissionId: string }[]).map(({ submissionId }) => submissionId)

describe('a list', () => {
  test('has pages of entries without their requests', async () => {
    const first = await call('GET', '?limit=2')
    expect(deadLetterListSchema.safeParse(first.body).error).toBeUndefined()
    expect(ids(first)).toEqual(['s1', 's2'])
    const second = await call('GET', `?limit=2&cursor=${String(first.body['cursor'])}`)
    expect([ids(second), second.body['cursor']]).toEqual([[strangeId], undefined])
  })

  test('a cursor that is none is refused, and is no failure of the server', async () => {
    const store = createSqliteDeadLetterStore({ file: ':memory:' })
    const other = createServer({ running: scriptedPipeline(answering).running, models, deadLetters: store })
    url = (await other.listen({ port: 0 })).url
    const refusals = [await call('GET', '?cursor=none'), await call('POST', '/replay', { all: true, cursor: 'none' })]
    for (const { status, body } of refusals) {
      expect(status).toBe(400)
      expect(body['error']).toMatchObject({ param: 'cursor', message: 'cursor must be one that list gave, got "none"' })
    }
    await other.close({ graceMs: 0 })
    await store.close()
  })

  test.each([
    ['?stage=rag', ['s2']],
    ['?state=due', [strangeId]],
    ['?from=2000', ['s2', strangeId]],
    ['?to=1970-01-01T00:00:02Z', ['s1']],
    ['?kind=shed', []],
  ])('%s', async (query, expected) => {
    expect(ids(await call('GET', query))).toEqual(expected)
  })

  test.each([
    ['?kind=late', 'kind', 'kind must be one of "shed", "failed", "expired", got "late"'],
    ['?limit=101', 'limit', 'limit must be a whole number from 1 to 100, got "101"'],
    ['?from=yesterday', 'from', 'from must be a time such as 2026-01-31T12:00:00Z, or milliseconds since 1970'],
    ['?stage=', 'stage', 'stage must not be empty'],
    ['?stage=a&stage=b', 'stage', 'stage must be a string, got an array'],
    ['?stages=a', 'stages', 'stages is not a known field; known are pipeline, stage'],
  ])('%s is refused', async (query, param, message) => {
    const { status, body } = await call('GET', query)
    expect(status).toBe(400)
    expect(body['error']).toMatchObject({ param, message: expect.stringContaining(message) as string })
  })
})

describe('one', () => {
  test('is shown with its request, whatever its id is', async () => {
    for (const id of ['s1', strangeId]) {
      const { status, body } = await call('GET', `/${encodeURIComponent(id)}`)
      expect(status).toBe(200)
      expect(deadLetterSchema.safeParse(body).error).toBeUndefined()
      expect(body).toMatchObject({ submissionId: id, request: { input: `question of ${id}` } })
    }
    expect(await call('GET', '/replay')).toEqual({
      status: 404,
      body: {
        error: {
          message: 'there is no dead letter "replay"',
          type: 'invalid_request_error',
          param: 'id',
          code: 'dead_letter_not_found',
        },
      },
    })
  })

  test('is deleted once', async () => {
    const path = `/${encodeURIComponent(strangeId)}`
    expect([(await call('DELETE', path)).status, (await call('DELETE', path)).status]).toEqual([204, 404])
    expect([...shelf.entries.keys()]).toEqual(['s1', 's2'])
  })
})

describe('a replay', () => {
  test('of ids says what became of each', async () => {
    const { status, body } = await call('POST', '/replay', { ids: ['s2', 'x', strangeId] })
    expect(status).toBe(200)
    expect(changedLettersSchema.safeParse(body).error).toBeUndefined()
    expect(body).toEqual({
      results: [
        { submissionId: 's2', result: 'replayed' },
        { submissionId: 'x', result: 'unknown' },
        { submissionId: strangeId, result: 'due' },
      ],
    })
  })

  test('of a filter does a part, and says where the next one begins', async () => {
    const first = await call('POST', '/replay', { all: true, limit: 2 })
    expect(first.body).toMatchObject({ results: [{ result: 'replayed' }, { result: 'replayed' }] })
    const second = await call('POST', '/replay', { all: true, cursor: first.body['cursor'] })
    expect(second.body).toEqual({ results: [{ submissionId: strangeId, result: 'due' }] })
    const filtered = await call('POST', '/replay', { filter: { stage: 'rag', from: 1_500 } })
    expect(filtered.body).toEqual({ results: [{ submissionId: 's2', result: 'due' }] })
  })

  test.each([
    [{}, 'the body must have either ids, or a filter with a field, or all: true, got none of them'],
    [{ filter: {} }, 'got none of them'],
    [{ ids: ['a'], all: true }, 'got ids and all'],
    [{ ids: [] }, 'ids must not be empty'],
    [{ ids: Array.from({ length: 101 }, String) }, 'ids must be at most 100 long, got 101'],
    [{ filter: { from: -1 } }, 'filter.from must be a time'],
  ])('%j is refused', async (body, message) => {
    const answer = await call('POST', '/replay', body)
    expect(answer.status).toBe(400)
    expect(answer.body['error']).toMatchObject({ message: expect.stringContaining(message) as string })
  })
})

describe('a purge', () => {
  test('is of what fits, and of everything only if that is said', async () => {
    for (const query of ['', '?limit=1', '?all=true&stage=rag', '?all=yes']) {
      expect((await call('DELETE', query)).status).toBe(400)
    }
    expect(shelf.entries.size).toBe(3)
    expect((await call('DELETE', '?stage=rag')).body).toEqual({
      results: [{ submissionId: 's2', result: 'purged' }],
    })
    expect((await call('DELETE', '?all=true')).body).toMatchObject({ results: [{}, {}] })
    expect(shelf.entries.size).toBe(0)
  })
})

test('a store that is away is 503, said by readiness and the figures, and no reason to send requests elsewhere', async () => {
  const told = async (path: string): Promise<unknown> => (await fetch(url + path)).json()
  expect(await told('/readyz')).toEqual({ status: 'ready', stores: { deadLetters: 'ready' } })
  expect(await told('/v1/pipeline')).toMatchObject({ deadLetterStore: { state: 'ready', due: 1, dead: 2 } })
  shelf.away = new StoreError('redis does not answer')
  const { status, body } = await call('GET', '')
  expect(status).toBe(503)
  expect(body['error']).toMatchObject({
    ...{ code: 'store_unavailable', message: 'the store of dead letters is away: redis does not answer' },
  })
  expect((await fetch(`${url}/readyz`)).status).toBe(200)
  expect(await told('/readyz')).toEqual({ status: 'ready', stores: { deadLetters: 'away' } })
  expect(await told('/v1/pipeline')).toMatchObject({ deadLetterStore: { state: 'away' } })
})

test('a store that answers and takes nothing is away, as its spool has it', async () => {
  const full = Object.assign(new LetterShelf(), { put: () => Promise.reject(new StoreError('no memory is left')) })
  const store = createSpooledDeadLetterStore({ primary: full, spool: new LetterShelf(), clock: new VirtualClock() })
  const other = createServer({ running: scriptedPipeline(answering).running, models, deadLetters: store })
  url = (await other.listen({ port: 0 })).url
  const told = async (path: string): Promise<unknown> => (await fetch(url + path)).json()
  expect(await told('/readyz')).toMatchObject({ stores: { deadLetters: 'ready' } })
  await store.put(letterOf('a'))
  expect(await told('/readyz')).toEqual({ status: 'ready', stores: { deadLetters: 'away' } })
  expect(await told('/v1/pipeline')).toMatchObject({ deadLetterStore: { state: 'away' } })
  await other.close({ graceMs: 0 })
})

test('a list and a purge say how many wait in a spool, where they find none, as far as it can be read', async () => {
  const primary = new LetterShelf().add(letterOf('here'))
  const spool = new LetterShelf().add(letterOf('there'))
  const store = createSpooledDeadLetterStore({ primary, spool, clock: new VirtualClock() })
  const other = createServer({ running: scriptedPipeline(answering).running, models, deadLetters: store })
  url = (await other.listen({ port: 0 })).url
  const listed = await call('GET', '')
  expect(deadLetterListSchema.safeParse(listed.body).error).toBeUndefined()
  expect([ids(listed), listed.body['spooled']]).toEqual([['here'], 1])
  const purged = await call('DELETE', '?all=true')
  expect(changedLettersSchema.safeParse(purged.body).error).toBeUndefined()
  expect(purged.body).toEqual({ results: [{ submissionId: 'here', result: 'purged' }], spooled: 1 })
  spool.away = new StoreError('the file is damaged')
  expect((await call('GET', '')).body).toEqual({ entries: [] })
  await other.close({ graceMs: 0 })
})

test('a store that does not answer is given up', async () => {
  const clock = new VirtualClock()
  const asked = Promise.withResolvers<AbortSignal>()
  const hanging = Object.assign(new LetterShelf(), {
    get: (_id: string, { signal }: { signal: AbortSignal }) => {
      asked.resolve(signal)
      return new Promise<never>(() => undefined)
    },
  })
  const other = createServer({ running: scriptedPipeline(answering).running, models, deadLetters: hanging, clock })
  const address = await other.listen({ port: 0 })
  const response = fetch(`${address.url}/v1/dead-letters/x`)
  const signal = await asked.promise
  await clock.advance(10_000)
  expect([(await response).status, signal.aborted]).toEqual([503, true])
  await other.close({ graceMs: 0 })
})

test('without a store there are none, and what is no store is refused', async () => {
  const { running } = scriptedPipeline(answering)
  const without = createServer({ running, models })
  const address = await without.listen({ port: 0 })
  const response = await fetch(`${address.url}/v1/dead-letters`)
  expect(response.status).toBe(404)
  expect(await response.json()).toMatchObject({ error: { code: 'not_supported' } })
  await without.close({ graceMs: 0 })
  const put = { put: async () => 'stored' }
  expect(() => createServer({ running, models, deadLetters: put as never })).toThrow(
    'deadLetters must be a store of dead letters, got an object without the method get',
  )
})
