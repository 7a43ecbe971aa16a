import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DeadLetterStore, StoredDeadLetter } from '../../src/stores/index.ts'
import {
  createRedisConnection,
  createRedisDeadLetterStore,
  type RedisConnection,
} from '../../src/stores/redis/index.ts'
import { checkBooks, letterOf, listAll } from '../../src/testing/dead-letters/store-check.ts'
import { scaled } from '../effort.ts'
import { type RedisServer, startRedis } from '../fixtures/redis-server.ts'
import { writtenIn } from '../fixtures/written-in-redis.ts'

const subject = { now: () => Date.now() }
const minute = 60_000
const pipeline = 'chat'
const nothing = { released: 0, expired: 0, evicted: 0, repaired: 0, orphaned: 0 }

let server: RedisServer
let connection: RedisConnection
let prefixes = 0
beforeAll(async () => {
  server = await startRedis()
  connection = createRedisConnection({ url: server.url, commandTimeoutMs: 30_000 })
})
afterAll(async () => {
  await connection.close()
  await server.close()
})

interface Filled {
  readonly prefix: string
  readonly store: DeadLetterStore
}

/** Entries in every state, and some that were acked. */
async function filled(shards: number): Promise<Filled> {
  const prefix = `p${++prefixes}`
  const store = createRedisDeadLetterStore({ connection, prefix, shards })
  for (const id of ['a', 'b', 'c', 'd', 'e', 'f']) await store.put(letterOf(subject, id, { session: `of ${id}` }))
  await store.put(letterOf(subject, 'g', { pipeline: 'other' }))
  await store.put(letterOf(subject, 'h'), { dead: true })
  const [first, second, third] = await store.claim({ pipeline, limit: 4, leaseMs: minute })
  await store.ack(first!.lease)
  await store.fail(second!.lease, second!.letter, { retryInMs: 0, final: true })
  await store.defer(third!.lease, { retryInMs: minute })
  return { prefix, store }
}

async function keysOf(prefix: string): Promise<readonly string[]> {
  return ((await connection.send('KEYS', [`${prefix}:{*`])) as readonly Buffer[]).map(String).toSorted()
}

describe('a sweep', () => {
  test('finds nothing to repair where nothing is lost', async () => {
    const { prefix, store } = await filled(3)
    await store.sweep()
    const before = await writtenIn(connection, prefix)
    expect(await store.sweep()).toEqual(nothing)
    expect((await writtenIn(connection, prefix)).equals(before)).toBe(true)
  })

  test('puts back and counts what deleted keys have left behind', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(1, 3),
        fc.array(fc.nat(99), { maxLength: 12 }),
        fc.array(fc.tuple(fc.nat(99), fc.nat(9)), { maxLength: 3 }),
        async (shards, deleted, removed) => {
          const { prefix, store } = await filled(shards)
          const before = await listAll(store)
          const counts = await store.counts()
          const keys = await keysOf(prefix)
          for (const at of deleted) await connection.send('DEL', [keys[at % keys.length]!])
          for (const [at, rank] of removed) await removeMember(keys[at % keys.length]!, rank)
          const left = new Set(await keysOf(prefix))
          const survives = ({ submissionId }: StoredDeadLetter): boolean =>
            [...left].some((key) => key.endsWith(`:e:${digestOf(submissionId)}`))
          const metaLeft = keys.filter((key) => key.endsWith(':meta')).every((key) => left.has(key))

          const { orphaned } = await store.sweep()
          const after = await listAll(store)
          expect(after).toEqual(before.filter(survives))
          await checkBooks(store)
          if (metaLeft) {
            expect(orphaned).toBe(before.length - after.length)
            expect((await store.counts()).totals).toEqual({ ...counts.totals, orphaned })
          }
          expect(await store.sweep()).toEqual(nothing)
          // All that is due can be claimed.
          const due = after.filter(({ state, stateAt }) => state === 'due' && stateAt <= Date.now())
          const claimed = [
            ...(await store.claim({ pipeline, limit: 100, leaseMs: minute })),
            ...(await store.claim({ pipeline: 'other', limit: 100, leaseMs: minute })),
          ]
          expect(new Set(claimed.map(({ letter }) => letter.submissionId))).toEqual(
            new Set(due.map(({ submissionId }) => submissionId)),
          )
        },
      ),
      { numRuns: scaled(25) },
    )
  })

  test('counts each loss once, however many sweep at a time', async () => {
    const prefix = `p${++prefixes}`
    const stores = Array.from({ length: 3 }, () => createRedisDeadLetterStore({ connection, prefix }))
    const store = stores[0]!
    await Promise.all(Array.from({ length: 300 }, (_, at) => store.put(letterOf(subject, `${at}`))))
    const entries = (await keysOf(prefix)).filter((key) => key.includes(':e:'))
    for (const key of entries.slice(0, 50)) await connection.send('DEL', [key])
    const reports = await Promise.all(stores.map((each) => each.sweep()))
    expect(reports.reduce((sum, { orphaned }) => sum + orphaned, 0)).toBe(50)
    expect(await store.counts()).toMatchObject({ due: 250, totals: { stored: 300, orphaned: 50 } })
  })

  test('forgets an entry that has lost a part', async () => {
    const { prefix, store } = await filled(1)
    const keys = (await keysOf(prefix)).filter((key) => key.includes(':e:'))
    const [id] = (await listAll(store)).map(({ submissionId }) => submissionId)
    const key = keys.find((candidate) => candidate.endsWith(digestOf(id!)))!
    await connection.send('HDEL', [key, 'payload'])
    expect(await store.sweep()).toEqual({ ...nothing, orphaned: 1 })
    expect(await connection.send('EXISTS', [key])).toBe(0)
    await checkBooks(store)
  })

  test('goes through thousands of pipelines, and forgets those of which nothing is due', async () => {
    const prefix = `p${++prefixes}`
    const store = createRedisDeadLetterStore({ connection, prefix })
    const pipelines = Array.from({ length: 8_200 }, (_, at) => `of tenant ${at}`)
    await Promise.all(pipelines.map((name) => store.put(letterOf(subject, name, { pipeline: name }))))
    expect(await store.sweep()).toEqual(nothing)
    for (let from = 0; from < pipelines.length; from += 100) await store.purge(pipelines.slice(from, from + 100))
    await store.put(letterOf(subject, 'a'))
    expect(await store.sweep()).toEqual(nothing)
    expect(await connection.send('SMEMBERS', [`${prefix}:{q0}:pipelines`])).toEqual([Buffer.from('chat')])
    await store.put(letterOf(subject, 'b', { pipeline: 'of tenant 1' }))
    expect(await store.claim({ pipeline: 'of tenant 1', limit: 1, leaseMs: minute })).toHaveLength(1)
    expect(await store.sweep()).toEqual(nothing)
  })

  test('leaves the keys of others alone', async () => {
    const { prefix, store } = await filled(3)
    const others = [`${prefix}:{q99}:e:x`, `${prefix}:{q0}:e:`, `${prefix}2:{q0}:e:x`, `${prefix}:{q0}:e:a b`]
    for (const key of others) await connection.send('SET', [key, 'theirs'])
    for (const key of (await keysOf(prefix)).filter((name) => name.endsWith(':all')))
      await connection.send('DEL', [key])
    expect((await store.sweep()).repaired).toBeGreaterThan(0)
    for (const key of others) expect(await connection.send('GET', [key])).toEqual(Buffer.from('theirs'))
  })
})

describe('keys of the wrong type', () => {
  /** Which calls write or count what is in a key; the others may leave it alone. */
  const refused: Readonly<Record<string, readonly string[]>> = {
    meta: ['put', 'claim', 'ack', 'fail', 'replay', 'purge', 'counts', 'sweep'],
    all: ['put', 'claim', 'ack', 'fail', 'purge', 'list', 'counts', 'sweep'],
    leased: ['claim', 'ack', 'fail', 'defer', 'extend', 'counts', 'sweep'],
    dead: ['put dead', 'claim', 'fail', 'replay', 'counts', 'sweep'],
    done: ['ack', 'sweep'],
    pipelines: ['put first', 'sweep'],
  }
  test.each(Object.keys(refused))('refuse %s, with its name, and nothing is changed', async (name) => {
    const { prefix, store } = await filled(1)
    for (const id of ['i', 'j', 'k', 'l']) await store.put(letterOf(subject, id))
    const claimed = await store.claim({ pipeline, limit: 4, leaseMs: minute })
    const [first, second, third, fourth] = claimed.map(({ lease }) => lease)
    const key = `${prefix}:{q0}:${name}`
    await connection.send('DEL', [key])
    await connection.send('SET', [key, 'a text'])
    const failure = claimed[0]!.letter
    const calls: Readonly<Record<string, () => Promise<unknown>>> = {
      put: () => store.put(letterOf(subject, 'new')),
      'put dead': () => store.put(letterOf(subject, 'new and dead'), { dead: true }),
      'put first': () => store.put(letterOf(subject, 'first', { pipeline: 'first' })),
      claim: () => store.claim({ pipeline, limit: 1, leaseMs: minute }),
      ack: () => store.ack(first!),
      fail: () => store.fail(second!, failure, { retryInMs: 0, final: true }),
      defer: () => store.defer(third!, { retryInMs: 0 }),
      extend: () => store.extend(fourth!, { leaseMs: minute }),
      replay: () => store.replay(['h']),
      purge: () => store.purge(['h']),
      get: () => store.get('g'),
      list: () => store.list(),
      counts: () => store.counts(),
      sweep: () => store.sweep(),
    }
    const answered: string[] = []
    for (const [title, call] of Object.entries(calls)) {
      const before = await writtenIn(connection, prefix)
      try {
        await call()
        answered.push(title)
      } catch (error) {
        expect((error as Error).message).toContain(`WRONGTYPE ${key} is a string, expected a`)
        expect((await writtenIn(connection, prefix)).equals(before), title).toBe(true)
      }
    }
    expect(answered.filter((title) => refused[name]!.includes(title))).toEqual([])
    expect(await connection.send('GET', [key])).toEqual(Buffer.from('a text'))
  })

  test('refuse an entry, or the set of what is due, of the call alone', async () => {
    const { prefix, store } = await filled(1)
    const entry = (await keysOf(prefix)).find((key) => key.endsWith(`:e:${digestOf('h')}`))!
    await connection.send('DEL', [entry])
    await connection.send('SET', [entry, 'a text'])
    await expect(store.put(letterOf(subject, 'h'))).rejects.toThrow(`WRONGTYPE ${entry} is a string, expected a hash`)
    expect(await store.get('h')).toBeUndefined()
    expect(await store.purge(['h', 'g'])).toEqual(['unknown', 'purged'])
    expect((await store.sweep()).orphaned).toBe(1)
    expect(await connection.send('GET', [entry])).toEqual(Buffer.from('a text'))

    const due = (await keysOf(prefix)).find((key) => key.includes(':due:'))!
    await connection.send('DEL', [due])
    await connection.send('SET', [due, 'a text'])
    const before = await writtenIn(connection, prefix)
    await expect(store.put(letterOf(subject, 'new'))).rejects.toThrow(`WRONGTYPE ${due} is a string, expected a zset`)
    await expect(store.claim({ pipeline, limit: 1, leaseMs: minute })).rejects.toThrow('WRONGTYPE')
    expect((await writtenIn(connection, prefix)).equals(before)).toBe(true)
    await connection.send('DEL', [due])
    expect((await store.sweep()).repaired).toBeGreaterThan(0)
    await checkBooks(store)
  })
})

describe('an entry of a newer version', () => {
  test('is shown unreadable, is never redriven, and is kept', async () => {
    const { prefix, store } = await filled(1)
    await store.put(letterOf(subject, 'new', { pipeline: 'newer' }))
    const key = (await keysOf(prefix)).find((name) => name.endsWith(`:e:${digestOf('new')}`))!
    await connection.send('HSET', [key, 'schema', 2, 'payload', 'of tomorrow', 'more', 'things'])
    expect(await store.get('new')).toMatchObject({
      submissionId: 'new',
      state: 'due',
      request: undefined,
      unreadable: 'it was written in layout 2, this version reads 1',
    })
    const { totals } = await store.counts()
    expect(await store.claim({ pipeline: 'newer', limit: 1, leaseMs: minute })).toEqual([])
    expect(await store.get('new')).toMatchObject({ state: 'dead', attempts: 0, epoch: 0 })
    expect((await store.counts()).totals.died).toBe(totals.died + 1)
    await store.sweep()
    expect(await connection.send('HGET', [key, 'more'])).toEqual(Buffer.from('things'))
    expect(await store.replay(['new'])).toEqual(['replayed'])
    expect(await store.purge(['new'])).toEqual(['purged'])
  })
})

describe('another number of shards', () => {
  test('is refused: it would look for the entries where they are not', async () => {
    const { prefix } = await filled(3)
    const other = createRedisDeadLetterStore({ connection, prefix, shards: 4 })
    await expect(other.counts()).rejects.toThrow(`${prefix}:shards says that there are 3 shards, not 4`)
    await expect(other.put(letterOf(subject, 'a'))).rejects.toMatchObject({ code: 'store_failed' })
  })
})

async function removeMember(key: string, rank: number): Promise<void> {
  if (String(await connection.send('TYPE', [key])) !== 'zset') return
  await connection.send('ZREMRANGEBYRANK', [key, rank, rank])
}

/** The key of an entry, as LetterCodec has it. */
function digestOf(submissionId: string): string {
  return createHash('sha256').update(submissionId, 'utf16le').digest('base64url')
}
