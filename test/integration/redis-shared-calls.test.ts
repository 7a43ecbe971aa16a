import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DeadLetterStore } from '../../src/stores/index.ts'
import {
  createRedisConnection,
  createRedisDeadLetterStore,
  type RedisConnection,
} from '../../src/stores/redis/index.ts'
import { letterOf } from '../../src/testing/dead-letters/store-check.ts'
import { type RedisServer, startRedis } from '../fixtures/redis-server.ts'

const subject = { now: () => Date.now() }
let server: RedisServer
let connection: RedisConnection
let prefixes = 0
beforeAll(async () => {
  server = await startRedis()
  connection = createRedisConnection({ url: server.url, commandTimeoutMs: 30_000, maxInFlight: 10 })
})
afterAll(async () => {
  await connection.close()
  await server.close()
})

async function opened(): Promise<{ readonly prefix: string; readonly store: DeadLetterStore }> {
  const prefix = `p${++prefixes}`
  const store = createRedisDeadLetterStore({ connection, prefix })
  await store.put(letterOf(subject, 'first'))
  await store.purge(['first'])
  return { prefix, store }
}

async function scriptsRunBy(work: () => Promise<unknown>): Promise<number> {
  await server.command('CONFIG', 'RESETSTAT')
  await work()
  const stats = String(await server.command('INFO', 'commandstats'))
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1] ?? 0)
}

test('calls of one turn are one command, of at most 64, and each has its own answer', async () => {
  const { store } = await opened()
  const ids = Array.from({ length: 150 }, (_, at) => `${at}`)
  const puts = (): Promise<unknown> => Promise.all(ids.map((id) => store.put(letterOf(subject, id))))
  expect(await scriptsRunBy(async () => expect(await puts()).toEqual(ids.map(() => 'stored')))).toBe(3)
  expect(await puts()).toEqual(ids.map(() => 'duplicate'))
  const claimed = await store.claim({ pipeline: 'chat', limit: 100, leaseMs: 60_000 })
  const leases = claimed.map(({ lease }, at) => (at === 7 ? { ...lease, epoch: 99 } : lease))
  expect(
    await scriptsRunBy(async () => {
      const answers = await Promise.all(leases.map((lease) => store.ack(lease)))
      expect(answers).toEqual(leases.map((_, at) => (at === 7 ? 'fenced' : 'acked')))
    }),
  ).toBe(2)
  expect(await store.counts()).toMatchObject({ due: 50, leased: 1, totals: { stored: 151, acked: 99 } })
})

test('a command carries at most a mebibyte of several calls', async () => {
  const { store } = await opened()
  const put = async (id: string): Promise<unknown> => store.put(letterOf(subject, id, { request: 'x'.repeat(400_000) }))
  expect(await scriptsRunBy(() => Promise.all(['a', 'b', 'c', 'd', 'e'].map(put)))).toBe(3)
  expect((await store.counts()).due).toBe(5)
})

test('a call that fails fails alone', async () => {
  const { prefix, store } = await opened()
  await store.put(letterOf(subject, 'b'))
  const entry = ((await connection.send('KEYS', [`${prefix}:{q0}:e:*`])) as readonly Buffer[]).map(String)[0]!
  await connection.send('DEL', [entry])
  await connection.send('SET', [entry, 'a text'])
  const answers = await Promise.allSettled(['a', 'b', 'c'].map((id) => store.put(letterOf(subject, id))))
  expect(answers).toMatchObject([
    { value: 'stored' },
    { reason: { code: 'store_failed', message: expect.stringContaining(`WRONGTYPE ${entry} is a string`) as string } },
    { value: 'stored' },
  ])
})

test('whoever gives up hears at once, and the others hear their answers', async () => {
  const { store } = await opened()
  const controller = new AbortController()
  const given = store.put(letterOf(subject, 'a'), { signal: controller.signal })
  const kept = store.put(letterOf(subject, 'b'))
  const late = store.put(letterOf(subject, 'c'), { signal: AbortSignal.abort(new Error('too late')) })
  controller.abort(new Error('enough'))
  await expect(given).rejects.toThrow('enough')
  await expect(late).rejects.toThrow('too late')
  expect(await kept).toBe('stored')
})
