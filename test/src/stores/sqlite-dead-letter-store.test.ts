import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { checkDeadLetterStore } from '../../../src/stores/dead-letter-options.ts'
import {
  createSqliteDeadLetterStore,
  type DeadLetterStore,
  type SqliteDeadLetterStoreOptions,
} from '../../../src/stores/index.ts'
import { letterSchema } from '../../../src/stores/sqlite/letter-schema.ts'
import { createLetterStore } from '../../../src/stores/sqlite/letter-store.ts'
import { openStoreFile } from '../../../src/stores/sqlite/store-file.ts'
import { checkBooks, letterOf, listAll } from '../../../src/testing/dead-letters/store-check.ts'
import { VirtualClock } from '../../../src/testing/index.ts'

const clock = new VirtualClock({ startAt: 1_700_000_000_000 })
const subject = { now: () => clock.wallTime() }

let folder: string
let file: string
const stores: DeadLetterStore[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-letters-'))
  file = join(folder, 'letters.db')
})
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close()
  rmSync(folder, { recursive: true })
})

function open(options: Partial<SqliteDeadLetterStoreOptions> = {}): DeadLetterStore {
  const store = createSqliteDeadLetterStore({ file, clock, ...options })
  stores.push(store)
  return store
}

test('refuses bad options by their names', () => {
  const refused = (options: object): string => {
    try {
      open(options)
    } catch (error) {
      return (error as Error).message
    }
    return 'nothing was refused'
  }
  expect(refused({ file: '' })).toBe('file must not be empty')
  expect(refused({ busyTimeoutMs: -1 })).toContain('busyTimeoutMs must be a whole number from 0 to 60000, got -1')
  expect(refused({ clock: {} })).toContain('clock must be a Clock')
  expect(refused({ maxEntrys: 1 })).toContain('unknown option "maxEntrys"')
  expect(refused({ maxEntries: 5, maxDead: 6 })).toContain('maxDead must be a whole number from 1 to 5, got 6')
})

test('refuses what a call may not ask by its name', async () => {
  const store = open()
  const lease = { submissionId: 'a', epoch: 1, token: 'a' }
  const failure = { stage: 'inference', kind: 'failed', reason: 'full' } as const
  const refused: Readonly<Record<string, readonly Promise<unknown>[]>> = {
    limit: [store.claim({ pipeline: 'chat', limit: 101, leaseMs: 1 }), store.list({ limit: 0 })],
    leaseMs: [store.claim({ pipeline: 'chat', limit: 1, leaseMs: NaN }), store.extend(lease, { leaseMs: 0 })],
    perSession: [store.claim({ pipeline: 'chat', limit: 1, leaseMs: 1, perSession: 0 })],
    retryInMs: [store.fail(lease, failure, { retryInMs: -1 }), store.defer(lease, { retryInMs: NaN })],
    submissionIds: [store.replay(Array<string>(101).fill('a')), store.purge(Array<string>(101).fill('a'))],
    cursor: [store.list({ cursor: 'none' })],
  }
  for (const [name, calls] of Object.entries(refused))
    for (const call of calls) await expect(call).rejects.toThrow(name)
})

test('refuses a file of a later version, and leaves it as it is', async () => {
  await open().put(letterOf(subject, 'a'))
  const later = new DatabaseSync(file)
  later.exec('PRAGMA user_version = 9')
  later.close()
  expect(() => open()).toThrow(
    /the store of dead letters has schema version 9, expected 1; use the version of spillway/,
  )
})

test('a store in memory is its own', async () => {
  const store = open({ file: ':memory:' })
  expect(await store.put(letterOf(subject, 'a'))).toBe('stored')
  expect(await open({ file: ':memory:' }).get('a')).toBeUndefined()
})

test('after a long pause what is too old goes a few at a time, is not claimed, and leaves room at once', async () => {
  const dayMs = 86_400_000
  const store = open({ maxEntries: 2_500, maxAgeMs: dayMs })
  const ids = Array.from({ length: 2_500 }, (_, at) => `${at}`)
  await Promise.all(ids.map((id) => store.put(letterOf(subject, id))))
  clock.sleep(2 * dayMs)
  expect(await store.put(letterOf(subject, 'new'))).toBe('stored')
  expect((await store.counts()).totals.expired).toBe(100)
  const claimed = await store.claim({ pipeline: 'chat', limit: 100, leaseMs: 1_000 })
  expect(claimed.map(({ letter }) => letter.submissionId)).toEqual(['new'])
  expect((await store.counts()).totals.expired).toBe(200)
  let isSwept = false
  const swept = store.sweep().then((report) => {
    isSwept = true
    return report
  })
  expect(await store.put(letterOf(subject, 'between'))).toBe('stored')
  expect(isSwept).toBe(false)
  await clock.advance(100)
  expect(await swept).toMatchObject({ released: 0, evicted: 0 })
  expect(await store.counts()).toMatchObject({ due: 1, leased: 1, totals: { expired: 2_500 } })
  await checkBooks(store)
})

test('a sweep of many lets timers and sockets have their turn after each hundred', async () => {
  const store = open({ maxAgeMs: 1_000 })
  const ids = Array.from({ length: 450 }, (_, at) => `${at}`)
  await Promise.all(ids.map((id) => store.put(letterOf(subject, id))))
  clock.sleep(2_000)
  let isSwept = false
  const swept = store.sweep().finally(() => {
    isSwept = true
  })
  const seen = new Set<number>()
  const look = (): void => {
    if (isSwept) return
    void store.counts().then(({ totals }) => seen.add(totals.expired))
    clock.setTimeout(look, 0)
  }
  await clock.settle()
  look()
  await clock.advance(0)
  expect([...seen]).toEqual([100, 200, 300, 400])
  expect(await swept).toEqual({ released: 0, expired: 450, evicted: 0, repaired: 0, orphaned: 0 })
  await checkBooks(store)
})

test('a sweep that is called off between two hundreds leaves the rest', async () => {
  const store = open({ maxAgeMs: 1_000 })
  const ids = Array.from({ length: 250 }, (_, at) => `${at}`)
  await Promise.all(ids.map((id) => store.put(letterOf(subject, id))))
  clock.sleep(2_000)
  const controller = new AbortController()
  const swept = store.sweep({ signal: controller.signal }).catch((error: unknown) => error)
  await clock.settle()
  const reason = new Error('enough')
  controller.abort(reason)
  await clock.advance(0)
  expect(await swept).toBe(reason)
  expect(await store.counts()).toMatchObject({ due: 150, totals: { expired: 100 } })
  await checkBooks(store)
})

test('a put goes on making room until there is enough', async () => {
  const store = open({ maxBytes: 400_000, maxAgeMs: 1_000 })
  const small = Array.from({ length: 300 }, (_, at) =>
    store.put(letterOf(subject, `${at}`, { request: 'x'.repeat(900) })),
  )
  await Promise.all(small)
  clock.sleep(2_000)
  const put = store.put(letterOf(subject, 'large', { request: 'x'.repeat(300_000) }))
  await clock.settle()
  expect((await store.counts()).totals.expired).toBe(100)
  await clock.advance(0)
  expect(await put).toBe('stored')
  expect((await listAll(store)).some(({ submissionId }) => submissionId === 'large')).toBe(true)
  await checkBooks(store)
})

test('a claim ends leases that are over a hundred at a time, and then leases what has been due longest', async () => {
  const store = open()
  const put = (pipeline: string, count: number): Promise<unknown> =>
    Promise.all(
      Array.from({ length: count }, (_, at) => store.put(letterOf(subject, `${pipeline} ${at}`, { pipeline }))),
    )
  await put('other', 150)
  for (let round = 0; round < 2; round++) await store.claim({ pipeline: 'other', limit: 100, leaseMs: 1_000 })
  clock.sleep(1)
  await put('chat', 1)
  await store.claim({ pipeline: 'chat', limit: 1, leaseMs: 1_000 })
  clock.sleep(1_000)
  await store.put(letterOf(subject, 'later'))
  const claimed = store.claim({ pipeline: 'chat', limit: 1, leaseMs: 1_000 })
  await clock.settle()
  expect(await store.counts()).toMatchObject({ due: 101, leased: 51 })
  await clock.advance(0)
  expect((await claimed).map(({ letter }) => letter.submissionId)).toEqual(['chat 0'])
  await checkBooks(store)
})

test('a smaller maxDead evicts a hundred at a time', async () => {
  const ids = Array.from({ length: 250 }, (_, at) => `${at}`)
  const before = open()
  await Promise.all(ids.map((id) => before.put(letterOf(subject, id), { dead: true })))
  const store = open({ maxDead: 10 })
  await store.put(letterOf(subject, 'new'))
  expect((await store.counts()).totals.evicted).toBe(100)
  const swept = store.sweep()
  await clock.advance(0)
  expect(await swept).toMatchObject({ evicted: 140 })
  expect(await store.counts()).toMatchObject({ due: 1, dead: 10 })
  await checkBooks(store)
})

test('what was acked too long ago is forgotten a hundred at a time', async () => {
  const store = open({ doneWindowMs: 1_000 })
  const ids = Array.from({ length: 201 }, (_, at) => `${at}`)
  await Promise.all(ids.map((id) => store.put(letterOf(subject, id))))
  const leased = []
  for (let round = 0; round < 3; round++) {
    leased.push(...(await store.claim({ pipeline: 'chat', limit: 100, leaseMs: 60_000 })))
  }
  const last = leased.pop()!
  for (const { lease } of leased) await store.ack(lease)
  clock.sleep(1_000)
  await store.ack(last.lease)
  const database = new DatabaseSync(file)
  const counted = database.prepare('SELECT count(*) AS rows, done FROM done, figures').get()
  database.close()
  expect(counted).toEqual({ rows: 101, done: 101 })
  expect(await store.put(letterOf(subject, leased[150]!.letter.submissionId))).toBe('stored')
})

test('a page has at most 4 MiB of requests, and one that is larger alone', async () => {
  const store = open({ maxEntryBytes: 10_000_000 })
  for (const [id, size] of Object.entries({ a: 2e6, b: 2e6, c: 2e6, d: 5e6, e: 1 })) {
    await store.put(letterOf(subject, id, { request: 'x'.repeat(size) }))
  }
  const pages: number[] = []
  for (let cursor: string | undefined, isFirst = true; isFirst || cursor !== undefined; isFirst = false) {
    const page = await store.list(cursor === undefined ? {} : { cursor })
    pages.push(page.entries.length)
    cursor = page.cursor
  }
  expect(pages.reduce((sum, count) => sum + count)).toBe(5)
  expect(pages.length).toBeGreaterThan(2)
  expect((await listAll(store)).map(({ submissionId }) => submissionId).toSorted()).toEqual(['a', 'b', 'c', 'd', 'e'])
})

test('while another process writes an entry is not stored, and it is once it is put again', async () => {
  const store = open({ busyTimeoutMs: 0 })
  const other = new DatabaseSync(file)
  other.exec('BEGIN IMMEDIATE')
  const letters = ['a', 'b'].map((id) => letterOf(subject, id))
  const results = await Promise.allSettled(letters.map((letter) => store.put(letter)))
  for (const result of results) {
    expect(result).toMatchObject({ status: 'rejected', reason: { code: 'store_failed' } })
    expect(String((result as PromiseRejectedResult).reason)).toContain('is locked by another process')
  }
  // Reading waits for nobody.
  expect((await store.counts()).due).toBe(0)
  other.exec('COMMIT')
  other.close()
  expect(await Promise.all(letters.map((letter) => store.put(letter)))).toEqual(['stored', 'stored'])
})

test('when the disk is full what was acknowledged is there, and the rest is put again', async () => {
  const database = openStoreFile(file, letterSchema, 0)
  const store = createLetterStore(database, file, checkDeadLetterStore('test', {}, []), clock)
  stores.push(store)
  const pages = Number(database.prepare('PRAGMA page_count').get()?.['page_count'])
  database.exec(`PRAGMA max_page_count = ${pages + 20}`)
  const letters = Array.from({ length: 40 }, (_, at) => letterOf(subject, `${at}`, { request: 'x'.repeat(4_000) }))
  const results = await Promise.allSettled(letters.map((letter) => store.put(letter)))
  const stored = letters.filter((_, at) => results[at]?.status === 'fulfilled').map(({ submissionId }) => submissionId)
  expect(stored.length).toBeGreaterThan(0)
  expect(stored.length).toBeLessThan(40)
  for (const result of results) {
    if (result.status === 'rejected') expect(String(result.reason)).toContain('cannot grow: the disk is full')
  }
  expect((await listAll(store)).map(({ submissionId }) => submissionId).toSorted()).toEqual(stored.toSorted())
  await checkBooks(store)
  database.exec('PRAGMA max_page_count = 100000')
  const again = await Promise.all(letters.map((letter) => store.put(letter)))
  expect(again.filter((result) => result === 'duplicate').length).toBe(stored.length)
  expect(again.filter((result) => result === 'stored').length).toBe(40 - stored.length)
})
