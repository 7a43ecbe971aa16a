import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { DeadLetterStore } from '../../src/stores/index.ts'
import {
  createRedisConnection,
  createRedisDeadLetterStore,
  type RedisConnection,
  type RedisConnectionOptions,
  type RedisDeadLetterStoreOptions,
} from '../../src/stores/redis/index.ts'
import { checkBooks, letterOf } from '../../src/testing/dead-letters/store-check.ts'
import { startFaultProxy } from '../fixtures/fault-proxy.ts'
import { type RedisServer, startRedis, startRedisCluster } from '../fixtures/redis-server.ts'

const subject = { now: () => Date.now() }
const minute = 60_000
const pipeline = 'chat'

const unknown = /no answer within 100 ms|not connected|the connection broke/

/** A connection that is back soon; only those that are to time out do so. */
function connect(options: RedisConnectionOptions): RedisConnection {
  const connection = createRedisConnection({
    ...{ commandTimeoutMs: 30_000, connectTimeoutMs: 30_000, maxReconnectDelayMs: 20 },
    ...options,
  })
  onTestFinished(() => connection.close())
  return connection
}

function storeOn(connection: RedisConnection, options: RedisDeadLetterStoreOptions = {}): DeadLetterStore {
  return createRedisDeadLetterStore({ connection, prefix: `p${++prefixes}`, shards: 4, ...options })
}

let prefixes = 0

/** Repeats what a caller repeats: a call whose answer is unknown. */
async function untilAnswered<T>(call: () => Promise<T>): Promise<T> {
  return vi.waitFor(call, { timeout: 50_000, interval: 5 })
}

async function rejects(call: Promise<unknown>, message: RegExp): Promise<void> {
  await expect(call).rejects.toMatchObject({ code: 'store_failed' })
  await expect(call).rejects.toThrow(message)
}

describe('while Redis fails', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedis({ appendfsync: 'always' })
  })
  afterAll(() => server.close())
  afterEach(() => server.resume())

  test('nothing that was acknowledged is lost when it is killed, and nothing is done twice', async () => {
    const connection = connect({ url: server.url })
    const store = storeOn(connection)
    const ids = Array.from({ length: 240 }, (_, at) => `${at}`)
    const stored = new Set<string>()
    const acked = new Set<string>()
    const puts = async (own: readonly string[]): Promise<void> => {
      for (const id of own) {
        const letter = letterOf(subject, id)
        expect(['stored', 'duplicate']).toContain(await untilAnswered(() => store.put(letter)))
        stored.add(id)
      }
    }
    const redrives = async (): Promise<void> => {
      while (acked.size < 120) {
        const claimed = await untilAnswered(() => store.claim({ pipeline, limit: 5, leaseMs: minute }))
        for (const { letter, lease } of claimed) {
          // The lease lasts: whoever has it is not fenced, however often it asks.
          expect(await untilAnswered(() => store.ack(lease))).toBe('acked')
          expect(acked.has(letter.submissionId)).toBe(false)
          acked.add(letter.submissionId)
        }
      }
    }
    const crashes = async (): Promise<void> => {
      for (const size of [40, 100, 160]) {
        await vi.waitUntil(() => stored.size >= size, { timeout: 50_000, interval: 1 })
        await server.kill()
        await server.restart()
      }
    }
    await Promise.all([
      ...[0, 1, 2, 3].map((part) => puts(ids.filter((_, at) => at % 4 === part))),
      redrives(),
      crashes(),
    ])

    const { entries, totals, acked: count } = await untilAnswered(() => everything(store))
    expect(count).toBe(acked.size)
    expect(new Set([...entries, ...acked])).toEqual(new Set(ids))
    expect(entries.filter((id) => acked.has(id))).toEqual([])
    expect(totals.stored).toBe(ids.length)
    await checkBooks(store)
  })

  test('a call ends in time while it is stopped, and may be repeated afterwards', async () => {
    const connection = connect({ url: server.url, commandTimeoutMs: 100 })
    const store = storeOn(connection)
    await untilAnswered(() => store.put(letterOf(subject, 'a')))
    const [claimed] = await untilAnswered(() => store.claim({ pipeline, limit: 1, leaseMs: minute }))
    const b = letterOf(subject, 'b')
    server.stop()
    const calls = [store.put(b), store.ack(claimed!.lease), store.get('a'), store.counts(), store.sweep()]
    await Promise.all(calls.map((call) => rejects(call, unknown)))
    server.resume()
    expect(['stored', 'duplicate']).toContain(await untilAnswered(() => store.put(b)))
    expect(await untilAnswered(() => store.ack(claimed!.lease))).toBe('acked')
    const { totals } = await untilAnswered(() => store.counts())
    expect([totals.stored, totals.acked]).toEqual([2, 1])
  })

  test('what was done after its caller had given up is done once', async () => {
    const connection = connect({ url: server.url, commandTimeoutMs: 100 })
    const store = storeOn(connection)
    await untilAnswered(() => store.counts())
    const sleep = server.command('DEBUG', 'SLEEP', 1)
    const letter = letterOf(subject, 'a')
    // The server may not sleep yet when the first ones arrive.
    const results: string[] = []
    while (!results.includes('unknown')) results.push(await store.put(letter).catch(() => 'unknown'))
    await sleep
    expect(['stored', 'duplicate']).toContain(await untilAnswered(() => store.put(letter)))
    expect((await untilAnswered(() => store.counts())).totals.stored).toBe(1)
  })
})

async function everything(store: DeadLetterStore): Promise<{
  readonly entries: readonly string[]
  readonly totals: { readonly stored: number }
  readonly acked: number
}> {
  const entries: string[] = []
  let cursor: string | undefined
  do {
    const page = await store.list({ ...(cursor !== undefined && { cursor }) })
    entries.push(...page.entries.map(({ submissionId }) => submissionId))
    cursor = page.cursor
  } while (cursor !== undefined)
  const { totals } = await store.counts()
  return { entries, totals, acked: totals.acked }
}

describe('while the network fails', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(() => server.close())

  async function proxied(options: Partial<RedisConnectionOptions> = {}) {
    const proxy = await startFaultProxy(server.port)
    onTestFinished(() => proxy.close())
    const connection = connect({ url: `redis://127.0.0.1:${proxy.port}`, ...options })
    const store = storeOn(connection, { shards: 1 })
    await untilAnswered(() => store.counts())
    return { faults: proxy.faults, connection, store }
  }

  test.each([0, 1, 2, 3, 5, 8, 13, 21])('an answer that is cut after %i bytes is asked for again', async (cutAfter) => {
    for (const reset of [false, true]) {
      const { faults, store } = await proxied()
      const letter = letterOf(subject, 'a')
      const once = async <T>(call: () => Promise<T>): Promise<T> => {
        Object.assign(faults, { cutAfter, reset })
        const first = await call().catch(() => undefined)
        delete faults.cutAfter
        return first ?? (await untilAnswered(call))
      }
      expect(['stored', 'duplicate']).toContain(await once(() => store.put(letter)))
      const [claimed] = await untilAnswered(() => store.claim({ pipeline, limit: 1, leaseMs: minute }))
      expect(await once(() => store.ack(claimed!.lease))).toBe('acked')
      const { totals } = await untilAnswered(() => store.counts())
      expect([totals.stored, totals.acked]).toEqual([1, 1])
    }
  })

  test('answers that come late are no answers, and are not taken for those of others', async () => {
    const { faults, store } = await proxied({ commandTimeoutMs: 100 })
    faults.delayMs = 110
    await rejects(store.put(letterOf(subject, 'a')), unknown)
    delete faults.delayMs
    expect(await untilAnswered(() => store.get('b'))).toBeUndefined()
    expect(await untilAnswered(() => store.put(letterOf(subject, 'b')))).toBe('stored')
  })

  test('a connection that is dead without an end is given up', async () => {
    const { faults, connection, store } = await proxied({ commandTimeoutMs: 100 })
    faults.silent = true
    await rejects(store.put(letterOf(subject, 'a')), unknown)
    await vi.waitFor(() => expect(connection.state.connected).toBe(false), { timeout: 30_000 })
    await rejects(store.put(letterOf(subject, 'a')), /not connected/)
    faults.silent = false
    expect(await untilAnswered(() => store.put(letterOf(subject, 'a')))).toBe('stored')
  })
})

describe('when a part of it fails', () => {
  test('its memory: nothing is stored, but what is there can be ended', async () => {
    const server = await startRedis()
    onTestFinished(() => server.close())
    const store = storeOn(connect({ url: server.url }))
    const ids = ['a', 'b', 'c', 'd', 'e']
    for (const id of ids) expect(await store.put(letterOf(subject, id))).toBe('stored')
    await server.command('CONFIG', 'SET', 'maxmemory', 1)
    await rejects(store.put(letterOf(subject, 'f')), /OOM/)
    const [first, second, third, fourth] = await store.claim({ pipeline, limit: 4, leaseMs: minute })
    expect(await store.ack(first!.lease)).toBe('acked')
    expect(await store.fail(second!.lease, second!.letter, { retryInMs: 0, final: true })).toBe('dead')
    expect(await store.defer(third!.lease, { retryInMs: 0 })).toBe('due')
    expect(await store.extend(fourth!.lease, { leaseMs: minute })).toBe('extended')
    expect(await store.replay([second!.letter.submissionId])).toEqual(['replayed'])
    expect(await store.purge([third!.letter.submissionId])).toEqual(['purged'])
    expect(await store.sweep()).toMatchObject({ orphaned: 0 })
    // Another process, which begins now.
    const again = await storeOn(connect({ url: server.url }), { prefix: `p${prefixes}` }).counts()
    expect(again).toMatchObject({ due: 2, leased: 1, totals: { stored: 5, acked: 1, purged: 1 } })
    await server.command('CONFIG', 'SET', 'maxmemory', 0)
    expect(await store.put(letterOf(subject, 'f'))).toBe('stored')
  })

  test('its scripts are forgotten: they are sent again', async () => {
    const server = await startRedis()
    onTestFinished(() => server.close())
    const store = storeOn(connect({ url: server.url }))
    const flushed = async <T>(call: () => Promise<T>): Promise<T> => {
      await server.command('SCRIPT', 'FLUSH')
      return call()
    }
    expect(await flushed(() => store.put(letterOf(subject, 'a')))).toBe('stored')
    const [claimed] = await flushed(() => store.claim({ pipeline, limit: 1, leaseMs: minute }))
    expect(await flushed(() => store.ack(claimed!.lease))).toBe('acked')
    expect(await flushed(() => store.replay(['a']))).toEqual(['acked'])
  })

  test('a master of a cluster: the shards of the others go on', async () => {
    const cluster = await startRedisCluster({ lines: ['cluster-require-full-coverage no'] })
    onTestFinished(() => cluster.close())
    const store = storeOn(connect({ url: cluster.urls }), { shards: 16 })
    const ids = Array.from({ length: 64 }, (_, at) => `${at}`)
    for (const id of ids) expect(await store.put(letterOf(subject, id))).toBe('stored')
    await cluster.servers[2]!.kill()
    const claimed = await untilAnswered(async () => {
      const some = await store.claim({ pipeline, limit: 100, leaseMs: minute })
      expect(some.length).toBeGreaterThan(0)
      return some
    })
    expect(claimed.length).toBeLessThan(ids.length)
    for (const { lease } of claimed) expect(await store.ack(lease)).toBe('acked')
  })
})
