import { setTimeout as delay } from 'node:timers/promises'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  createRedisConnection,
  createRedisSessionStore,
  type RedisConnection,
  type RedisSessionStoreOptions,
} from '../../src/stores/redis/index.ts'
import { SessionCodec } from '../../src/stores/session-codec.ts'
import type { SessionStoreOptions } from '../../src/stores/session-options.ts'
import type { SessionStore } from '../../src/stores/session-store.ts'
import { StoreError } from '../../src/stores/store-error.ts'
import { sessionStoreContract, type SessionStoreSubject, VirtualClock } from '../../src/testing/index.ts'
import { scaled } from '../effort.ts'
import { createModelSessionStore, ModelData } from '../fixtures/model-session-store.ts'
import { type RedisCluster, type RedisServer, startRedis, startRedisCluster } from '../fixtures/redis-server.ts'
import { sessionCommands, type Stores } from '../fixtures/session-commands.ts'
import { writtenIn } from '../fixtures/written-in-redis.ts'

const codec = new SessionCodec({ encryptionKeys: [], maxBytes: 1 })
const keyOf = (id: string): string => `orc:{s:${codec.keyOf(id)}}:state`

/** As slow as the machine may be. */
const patient = { commandTimeoutMs: 30_000, connectTimeoutMs: 30_000 }

let prefixes = 0

function subjectOf(connection: RedisConnection, options: SessionStoreOptions): SessionStoreSubject {
  const prefix = `p${++prefixes}`
  return {
    store: createRedisSessionStore({ ...options, connection, prefix }),
    now: () => Date.now(),
    advance: (ms) => delay(ms + 1),
    reopen: (others) => createRedisSessionStore({ ...others, connection, prefix }),
    written: () => writtenIn(connection, prefix),
  }
}

describe('on one server', () => {
  let server: RedisServer
  let connection: RedisConnection
  beforeAll(async () => {
    server = await startRedis()
    connection = createRedisConnection({ url: server.url, ...patient })
  })
  afterAll(async () => {
    await connection.close()
    await server.close()
  })

  for (const check of sessionStoreContract('Redis', (options) => subjectOf(connection, options))) {
    test(check.name, check.run)
  }

  test('whatever is done with it, it is as the model is', async () => {
    const clock = new VirtualClock()
    const stores: Stores = [
      createRedisSessionStore({ connection, prefix: 'model' }),
      createRedisSessionStore({ connection, prefix: 'model' }),
    ]
    let runs = 0
    // Its time is Redis's own.
    const commands = sessionCommands((session) => session && { ...session, updatedAt: 0 })
    await fc.assert(
      fc.asyncProperty(fc.commands([...commands], { maxCommands: 40 }), async (program) => {
        const data = new ModelData()
        const model: Stores = [createModelSessionStore({ clock, data }), createModelSessionStore({ clock, data })]
        await fc.asyncModelRun(() => ({ model, real: { stores, run: `${++runs} ` } }), program)
      }),
      { numRuns: scaled(50) },
    )
  })
})

describe('in a cluster of three masters', () => {
  let cluster: RedisCluster
  let connection: RedisConnection
  beforeAll(async () => {
    cluster = await startRedisCluster()
    connection = createRedisConnection({ url: cluster.urls, ...patient })
  })
  afterAll(async () => {
    await connection.close()
    await cluster.close()
  })

  for (const check of sessionStoreContract('a cluster', (options) => subjectOf(connection, options))) {
    test(check.name, check.run)
  }

  test('sessions are spread over all masters', async () => {
    const store = createRedisSessionStore({ connection, prefix: 'spread' })
    for (let id = 0; id < 30; id++) await store.update(`${id}`, 0, 'x')
    for (const server of cluster.servers) {
      expect(await server.command('KEYS', 'spread:*')).not.toEqual([])
    }
  })
})

describe('faults', () => {
  let server: RedisServer
  const opened: SessionStore[] = []
  beforeEach(async () => {
    server = await startRedis()
  })
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close()
    await server.close()
  })

  function open(options: RedisSessionStoreOptions = {}, commandTimeoutMs = patient.commandTimeoutMs): SessionStore {
    const connection = createRedisConnection({ url: server.url, ...patient, commandTimeoutMs, maxReconnectDelayMs: 50 })
    const store = createRedisSessionStore({ connection, ...options })
    opened.push({
      ...store,
      close: async () => {
        await store.close()
        await connection.close()
      },
    })
    return store
  }

  /** What a call says that must fail. */
  async function said(answer: Promise<unknown>): Promise<string> {
    const error: unknown = await answer.then(
      (value) => `no error, but ${JSON.stringify(value)}`,
      (reason: unknown) => reason,
    )
    expect(error).toBeInstanceOf(StoreError)
    return (error as StoreError).message
  }

  const callsOf = (store: SessionStore): readonly (() => Promise<unknown>)[] => [
    () => store.get('a'),
    () => store.touch('a'),
    () => store.update('a', 1, 'y'),
    () => store.delete('a'),
  ]

  test('a server that stands still: calls fail in time, and one that is repeated is stored once', async () => {
    const store = open({}, 300)
    expect(await vi.waitFor(() => store.update('a', 0, 'x'), 30_000)).toBe('ok')
    server.stop()
    for (const answer of [store.update('a', 1, 'y'), store.get('a')]) {
      expect(await said(answer)).toMatch(/no answer within 300 ms/)
    }
    server.resume()
    expect(await vi.waitFor(() => store.update('a', 1, 'y'), { timeout: 30_000 })).toBe('ok')
    expect(await vi.waitFor(() => store.get('a'), { timeout: 30_000 })).toMatchObject({ version: 2, state: 'y' })
  })

  test('a server that is killed, and started again', async () => {
    const store = open()
    await store.update('a', 0, 'x')
    await server.kill()
    for (const call of callsOf(store)) expect(await said(call())).toMatch(/Redis at 127\.0\.0\.1:\d+: /)
    await server.restart()
    // It had nothing on disk.
    expect(await vi.waitFor(() => store.get('a'), { timeout: 30_000 })).toBeUndefined()
    expect(await store.update('a', 0, 'x')).toBe('ok')
  })

  test('a key of another type is told, and left as it is', async () => {
    const store = open()
    await server.command('SET', keyOf('a'), 'mine')
    for (const call of callsOf(store)) expect(await said(call())).toMatch(/WRONGTYPE .* is a string, expected a hash/)
    expect(await server.command('GET', keyOf('a'))).toBe('mine')
  })

  test('a key that was deleted is a session that is over', async () => {
    const store = open()
    await store.update('a', 0, 'x')
    await server.command('DEL', keyOf('a'))
    expect(await store.get('a')).toBeUndefined()
    expect(await store.update('a', 1, 'y')).toBe('conflict')
    expect(await store.update('a', 0, 'y')).toBe('ok')
  })

  test.each(['schema', 'version', 'created', 'updated', 'digest', 'data'])(
    'a session that has lost its %s is told, and can be deleted',
    async (field) => {
      const store = open()
      await store.update('a', 0, 'x')
      await server.command('HDEL', keyOf('a'), field)
      expect(await said(store.get('a'))).toMatch(/has lost a field|has schema/)
      expect(await store.delete('a')).toBe(true)
      expect(await store.update('a', 0, 'x')).toBe('ok')
    },
  )

  test('a session of a newer version is told, and left as it is', async () => {
    const store = open()
    await store.update('a', 0, 'x')
    await server.command('HSET', keyOf('a'), 'schema', '2')
    for (const call of callsOf(store).slice(0, 3)) expect(await said(call())).toMatch(/has schema 2, expected 1/)
    expect(await server.command('HGET', keyOf('a'), 'version')).toBe('1')
  })

  test('a key that has lost its time ends all the same, and has one again when it is used', async () => {
    const store = open({ ttlMs: 30, maxAgeMs: 40 })
    await store.update('a', 0, 'x')
    await server.command('PERSIST', keyOf('a'))
    await delay(50)
    expect(await store.delete('a')).toBe(false)
    const lasting = open()
    await lasting.update('a', 0, 'x')
    await server.command('PERSIST', keyOf('a'))
    await lasting.touch('a')
    const left = Number(await server.command('PTTL', keyOf('a')))
    expect(left).toBeGreaterThan(0)
    expect(left).toBeLessThanOrEqual(86_400_000)
  })

  test('the time of a key never goes beyond the age of its session', async () => {
    const store = open({ ttlMs: 60_000, maxAgeMs: 60_000 })
    await store.update('a', 0, 'x')
    const end = await server.command('PEXPIRETIME', keyOf('a'))
    await delay(5)
    await store.get('a')
    await store.touch('a')
    await store.update('a', 1, 'y')
    expect(await server.command('PEXPIRETIME', keyOf('a'))).toBe(end)
  })

  test('a replica, which cannot be written', async () => {
    const master = await startRedis()
    try {
      await server.command('REPLICAOF', '127.0.0.1', master.port)
      await vi.waitFor(
        async () => {
          expect(String(await server.command('INFO', 'replication'))).toContain('master_link_status:up')
        },
        { timeout: 30_000 },
      )
      const store = open()
      expect(await said(store.update('a', 0, 'x'))).toMatch(/READONLY/)
      expect(await master.command('DBSIZE')).toBe(0)
    } finally {
      await master.close()
    }
  })

  test('a user who may only read', async () => {
    await server.command('ACL', 'SETUSER', 'reader', 'on', '>secret', '~*', '+@all', '-@write')
    const connection = createRedisConnection({
      url: server.url.replace('redis://', 'redis://reader:secret@'),
      commandTimeoutMs: 30_000,
    })
    try {
      const store = createRedisSessionStore({ connection })
      const message = await said(store.update('a', 0, 'x'))
      expect(message).toMatch(/The user executing the script can't run this command/)
      expect(message).not.toContain('secret')
    } finally {
      await connection.close()
    }
  })

  test('a full server refuses updates; what is there can be read, used and deleted', async () => {
    const store = open()
    await store.update('a', 0, 'x')
    await server.command('CONFIG', 'SET', 'maxmemory', '1')
    expect(await said(store.update('a', 1, 'y'))).toMatch(/OOM/)
    expect(await store.get('a')).toMatchObject({ version: 1, state: 'x' })
    expect(await store.touch('a')).toBe(true)
    expect(await store.delete('a')).toBe(true)
    await server.command('CONFIG', 'SET', 'maxmemory', '0')
    expect(await store.update('a', 0, 'x')).toBe('ok')
  })

  test('a server that has forgotten the scripts is told them again', async () => {
    const store = open()
    await store.update('a', 0, 'x')
    for (const call of callsOf(store)) {
      await server.command('SCRIPT', 'FLUSH')
      await call()
    }
    expect(await store.get('a')).toBeUndefined()
  })

  test('a state that somebody else has written', async () => {
    const store = open()
    await store.update('a', 0, 'x')
    await server.command('HSET', keyOf('a'), 'data', '\u0007')
    expect(await said(store.get('a'))).toMatch(/the session cannot be read: it begins with byte 7/)
  })
})

describe('options', () => {
  test.each<readonly [object, RegExp]>([
    [{}, /createRedisSessionStore: either url or connection must be given/],
    [{ url: 'redis://127.0.0.1', prefix: 'a}b' }, /prefix must be letters/],
    [{ url: 'redis://127.0.0.1', prefix: '' }, /prefix must not be empty/],
    [{ connection: {} }, /connection must be a RedisConnection/],
    [{ url: 'redis://127.0.0.1', ttlMs: 0 }, /ttlMs/],
    [{ url: 'http://127.0.0.1' }, /url/],
    [{ uri: 'x' }, /createRedisSessionStore: unknown option "uri"/],
  ])('%o is refused', (options, message) => {
    expect(() => createRedisSessionStore(options as RedisSessionStoreOptions)).toThrow(message)
  })

  test('a store has a connection of its own, or leaves the one it was given open', async () => {
    const server = await startRedis()
    const connection = createRedisConnection({ url: server.url, ...patient })
    try {
      const [own, shared] = [createRedisSessionStore({ url: server.url }), createRedisSessionStore({ connection })]
      await vi.waitFor(() => own.update('a', 0, 'x'), { timeout: 30_000 })
      await own.close()
      await shared.close()
      await vi.waitFor(
        async () => {
          const clients = String(await server.command('CLIENT', 'LIST'))
          expect(clients.match(/name=spillway/g)).toHaveLength(1)
        },
        { timeout: 30_000 },
      )
      expect(await createRedisSessionStore({ connection }).get('a')).toMatchObject({ state: 'x' })
    } finally {
      await connection.close()
      await server.close()
    }
  })
})
