import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Logger } from '../../src/logger.ts'
import { createRedisConnection, createRedisDeadLetterStore } from '../../src/stores/redis/index.ts'
import { letterOf, listAll } from '../../src/testing/dead-letters/store-check.ts'
import { startRedis, type RedisServerOptions } from '../fixtures/redis-server.ts'

const subject = { now: () => Date.now() }
const commandTimeoutMs = 30_000

/** What a store says of how its server keeps what it is given. */
async function problemsOf(options: RedisServerOptions, url = (given: string): string => given): Promise<unknown> {
  const server = await startRedis(options)
  onTestFinished(() => server.close())
  const connection = createRedisConnection({ url: url(server.url), commandTimeoutMs })
  onTestFinished(() => connection.close())
  const warn = vi.fn<Logger['warn']>()
  const logger = { warn } as unknown as Logger
  const store = createRedisDeadLetterStore({ connection, logger })
  await store.counts()
  await store.counts()
  expect(warn.mock.calls.length).toBeLessThanOrEqual(1)
  const [fields, message] = warn.mock.calls[0] ?? []
  if (fields === undefined) return []
  expect(message).toBe('Redis may lose dead letters')
  expect(fields).toMatchObject({ redis: `127.0.0.1:${server.port}` })
  return (fields as { readonly problems: unknown }).problems
}

describe('a store of dead letters in Redis', () => {
  test('says nothing of a server that loses nothing', async () => {
    expect(await problemsOf({ appendfsync: 'always' })).toEqual([])
  })

  test('says what its server may lose', async () => {
    expect(await problemsOf({})).toEqual(['appendonly is no: all is lost when it ends'])
    const lru = ['maxmemory-policy allkeys-lru']
    expect(await problemsOf({ appendfsync: 'everysec', lines: lru })).toEqual([
      'appendfsync is everysec: a crash loses what it stored within a second',
      'maxmemory-policy is allkeys-lru: it deletes what it has stored when its memory is full',
    ])
    expect(await problemsOf({ appendfsync: 'no' })).toEqual(['appendfsync is no: a crash loses what it stored lately'])
  })

  test('says that it may not ask', async () => {
    const lines = ['user worker on >secret ~orc:* +@all -@admin -@dangerous +info']
    const problems = await problemsOf({ lines }, (url) => url.replace('redis://', 'redis://worker:secret@'))
    expect(problems).toEqual([expect.stringMatching(/^its settings cannot be checked: NOPERM/)])
  })

  test('closes the connection that it has made, and no other', async () => {
    const server = await startRedis()
    onTestFinished(() => server.close())
    const connection = createRedisConnection({ url: server.url, commandTimeoutMs })
    onTestFinished(() => connection.close())
    const clients = async (): Promise<number> =>
      String(await server.command('CLIENT', 'LIST')).match(/name=spillway/g)?.length ?? 0
    const [own, shared] = [createRedisDeadLetterStore({ url: server.url }), createRedisDeadLetterStore({ connection })]
    await Promise.all([vi.waitFor(() => own.counts(), { timeout: 30_000 }), shared.counts()])
    expect(await clients()).toBe(2)
    await own.close()
    await shared.close()
    await vi.waitFor(async () => expect(await clients()).toBe(1), { timeout: 30_000 })
    expect(connection.state.connected).toBe(true)
  })

  test('answers with several megabytes at a time, and then with the rest', async () => {
    const server = await startRedis()
    onTestFinished(() => server.close())
    const connection = createRedisConnection({ url: server.url, commandTimeoutMs })
    onTestFinished(() => connection.close())
    const store = createRedisDeadLetterStore({ connection })
    const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
    for (const id of ids) await store.put(letterOf(subject, id, { request: 'x'.repeat(1_000_000) }))
    expect((await store.list()).entries.length).toBe(4)
    expect((await listAll(store)).map(({ submissionId }) => submissionId).toSorted()).toEqual(ids)
    const claimed = await store.claim({ pipeline: 'chat', limit: 100, leaseMs: 60_000 })
    expect(claimed.length).toBe(8)
  })

  test.each([
    [{}, 'either url or connection must be given'],
    [{ url: 'redis://a', connection: {} as never }, 'either url or connection must be given'],
    [{ connection: {} as never }, 'connection must be a RedisConnection'],
    [{ url: 'redis://:secret@a', prefix: '{a}' }, 'prefix must be letters, digits'],
    [{ url: 'redis://:secret@a', shards: 0 }, 'shards must be a whole number from 1 to 64, got 0'],
    [{ url: ['redis://:secret@a'], maxEntries: 15 }, 'maxEntries must be at least shards, which are 16, got 15'],
    [{ url: 'redis://:secret@a', maxDead: 2, shards: 3 }, 'maxDead must be at least shards, which are 3, got 2'],
    [{ url: 'redis://:secret@a', logger: {} as never }, 'logger must be a Logger'],
    [{ url: 'redis://:secret@a', colour: 1 }, 'unknown option "colour"'],
    [{ url: 'http://:secret@a' }, 'url must be redis://host:port'],
  ])('refuses %j', (options, message) => {
    expect(() => createRedisDeadLetterStore(options)).toThrow(message)
    expect(() => createRedisDeadLetterStore(options)).not.toThrow('secret')
  })
})
