import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DeadLetterStoreOptions } from '../../src/stores/index.ts'
import {
  createRedisConnection,
  createRedisDeadLetterStore,
  type RedisConnection,
} from '../../src/stores/redis/index.ts'
import { deadLetterStoreContract, type DeadLetterStoreSubject } from '../../src/testing/index.ts'
import { scaled } from '../effort.ts'
import { letterOf } from '../fixtures/letter-shelf.ts'
import { type RedisCluster, type RedisServer, startRedis, startRedisCluster } from '../fixtures/redis-server.ts'
import { writtenIn } from '../fixtures/written-in-redis.ts'
import { playDeadLetterStore } from '../src/stores/dead-letter-commands.ts'

const bounds = ['maxEntries', 'maxDead', 'maxBytes', 'maxDone'] as const

/** Each shard has its part of what bounds the whole store: where a check is about that, there is one shard. */
function isOfOneShard(name: string, options: DeadLetterStoreOptions): boolean {
  return name.includes('to the byte') || bounds.some((bound) => options[bound] !== undefined)
}

let prefixes = 0

function checkContract(title: string, shards: number, connectionOf: () => RedisConnection): void {
  const names = deadLetterStoreContract(title, () => Promise.reject(new Error('only its names are asked for')))
  for (const { name } of names) {
    test(name, async () => {
      const checks = deadLetterStoreContract(title, (options) => subject(connectionOf(), name, shards, options))
      await checks.find((check) => check.name === name)!.run()
    })
  }
}

function subject(
  connection: RedisConnection,
  name: string,
  shards: number,
  options: DeadLetterStoreOptions,
): DeadLetterStoreSubject {
  const where = { connection, prefix: `p${++prefixes}`, shards: isOfOneShard(name, options) ? 1 : shards }
  return {
    store: createRedisDeadLetterStore({ ...options, ...where }),
    now: () => Date.now(),
    // Redis counts whole milliseconds.
    advance: (ms) => delay(ms + 1),
    reopen: (others) => createRedisDeadLetterStore({ ...others, ...where }),
    written: () => writtenIn(connection, where.prefix),
  }
}

describe.each(['one server', 'a cluster'] as const)('dead letters in %s', (kind) => {
  let started: RedisServer | RedisCluster
  let connection: RedisConnection
  beforeAll(async () => {
    const redis = kind === 'a cluster' ? await startRedisCluster() : await startRedis()
    started = redis
    connection = createRedisConnection({ url: 'urls' in redis ? redis.urls : redis.url, commandTimeoutMs: 30_000 })
  })
  afterAll(async () => {
    await connection.close()
    await started.close()
  })

  if (kind === 'one server') checkContract('1 shard', 1, () => connection)
  checkContract('16 shards', 16, () => connection)

  test('many who look for entries at once leave room for who puts one', async () => {
    const url = 'urls' in started ? started.urls : started.url
    const own = createRedisConnection({ url, commandTimeoutMs: 30_000, maxInFlight: 200 })
    const store = createRedisDeadLetterStore({ connection: own, prefix: `p${++prefixes}` })
    const ids = Array.from({ length: 300 }, (_, at) => String(at))
    const looks = ids.flatMap<Promise<unknown>>((id) => [store.get(id), store.list(), store.purge([id])])
    expect(await store.put(letterOf('a'))).toBe('stored')
    expect((await Promise.allSettled(looks)).filter(({ status }) => status === 'rejected')).toEqual([])
    await own.close()
  })

  test('whatever is done, it answers like the model and has the same entries and figures', async () => {
    // An entry of another session is in another shard, and no conflict there.
    const create = (options: DeadLetterStoreOptions): DeadLetterStoreSubject => subject(connection, '', 1, options)
    await playDeadLetterStore(create, { virtual: false, numRuns: scaled(20) })
  })
})
