import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { SessionStore } from '../../../src/stores/session-store.ts'
import {
  createSqliteSessionStore,
  type SqliteSessionStore,
  type SqliteSessionStoreOptions,
} from '../../../src/stores/sqlite-session-store.ts'
import { StoreError } from '../../../src/stores/store-error.ts'
import { VirtualClock } from '../../../src/testing/index.ts'
import { createModelSessionStore, ModelData } from '../../fixtures/model-session-store.ts'
import { scaled } from '../../effort.ts'
import { type SessionCommand, sessionCommands, type Stores } from '../../fixtures/session-commands.ts'

let folder: string
let file: string
let clock: VirtualClock
const opened: SessionStore[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-sessions-'))
  file = join(folder, 'sessions.db')
  clock = new VirtualClock({ startAt: 1_700_000_000_000 })
})
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close()
  rmSync(folder, { recursive: true })
})

function open(options: Partial<SqliteSessionStoreOptions> = {}): SqliteSessionStore {
  const store = createSqliteSessionStore({ file, clock, busyTimeoutMs: 0, ...options })
  opened.push(store)
  return store
}

/** What another program sees in the file. */
function look<T>(work: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(file)
  try {
    return work(database)
  } finally {
    database.close()
  }
}

const countOf = (): unknown =>
  look((database) => database.prepare('SELECT count(*) AS count FROM sessions').get()?.['count'])

test('whatever is done with it, it is as the model is', async () => {
  const [limits, less] = [
    { ttlMs: 100, maxAgeMs: 250 },
    { ttlMs: 70, maxAgeMs: 160 },
  ]
  const stores: Stores = [open(limits), open(less)]
  const commands: readonly fc.Arbitrary<SessionCommand>[] = [
    ...sessionCommands(),
    fc.constantFrom(1, 30, 99, 100, 101).map((ms) => ({
      check: () => true,
      run: () => clock.advance(ms),
      toString: () => `advance ${ms}`,
    })),
  ]
  let runs = 0
  await fc.assert(
    fc.asyncProperty(fc.commands([...commands], { maxCommands: 60 }), async (program) => {
      const data = new ModelData()
      const model: Stores = [
        createModelSessionStore({ ...limits, clock, data }),
        createModelSessionStore({ ...less, clock, data }),
      ]
      await fc.asyncModelRun(() => ({ model, real: { stores, run: `${++runs} ` } }), program)
    }),
    { numRuns: scaled(200) },
  )
})

describe('more than maxSessions', () => {
  test('are never kept: the least recently used go, and are counted', async () => {
    const store = open({ maxSessions: 3 })
    for (const id of ['a', 'b', 'c']) {
      await store.update(id, 0, 'x')
      await clock.advance(1)
    }
    await store.touch('a')
    await clock.advance(1)
    expect(await store.update('d', 0, 'x')).toBe('ok')
    expect([countOf(), store.evicted]).toEqual([3, 1])
    expect(await store.get('b')).toBeUndefined()
    expect(await store.update('d', 1, 'y')).toBe('ok')
    await clock.advance(1)
    expect(await store.update('e', 0, 'x')).toBe('ok')
    expect([await store.get('c'), store.evicted]).toEqual([undefined, 2])
    for (const id of ['a', 'd', 'e']) expect(await store.touch(id)).toBe(true)
  })

  test('of a larger bound go a few at a time, and never the one that is stored', async () => {
    const before = open({ maxAgeMs: 1_000 })
    for (let id = 0; id < 20; id++) {
      await before.update(`${id}`, 0, 'x')
      await clock.advance(1)
    }
    const store = open({ maxSessions: 5, maxAgeMs: 1_000 })
    expect(await store.update('0', 1, 'y')).toBe('ok')
    expect([countOf(), store.evicted]).toEqual([12, 8])
    expect(await store.update('0', 2, 'z')).toBe('ok')
    expect([countOf(), store.evicted]).toEqual([5, 15])
    expect(await store.get('0')).toMatchObject({ state: 'z' })
  })

  test('is refused by its name', () => {
    expect(() => open({ maxSessions: 0 })).toThrow('maxSessions must be a whole number from 1')
  })
})

describe('expired sessions', () => {
  test('are deleted with updates, a few at a time', async () => {
    const store = open({ ttlMs: 100 })
    for (let id = 0; id < 20; id++) await store.update(`${id}`, 0, 'x')
    await clock.advance(100)
    await store.update('new', 0, 'x')
    expect(countOf()).toBe(13)
    await store.update('new', 1, 'y')
    expect(countOf()).toBe(5)
    // One that wins nothing clears away, too.
    await store.update('new', 7, 'z')
    expect(countOf()).toBe(1)
    expect(await store.get('new')).toMatchObject({ version: 2, state: 'y' })
  })

  test('can be made anew while they lie about, with all of their time', async () => {
    const store = open({ ttlMs: 100, maxAgeMs: 100 })
    for (let id = 0; id < 20; id++) await store.update(`${id}`, 0, 'x')
    await clock.advance(100)
    expect(await store.update('19', 0, 'y')).toBe('ok')
    expect(countOf()).toBe(12)
    await clock.advance(99)
    expect(await store.get('19')).toMatchObject({ version: 1, state: 'y' })
  })

  test('are not those whose time began anew', async () => {
    const store = open({ ttlMs: 100 })
    await store.update('used', 0, 'x')
    await store.update('unused', 0, 'x')
    await clock.advance(60)
    await store.touch('used')
    await clock.advance(60)
    await store.update('new', 0, 'x')
    expect(countOf()).toBe(2)
    expect(await store.get('used')).toBeDefined()
  })
})

test('what is refused is told by its name, with what is allowed', async () => {
  const store = open({ maxBytes: 100 })
  await expect(store.get(7 as never)).rejects.toThrow('id must be a string, got 7')
  await expect(store.update('a', -1, 'x')).rejects.toThrow('expectedVersion must be a whole number from 0')
  const tooLarge = 'the state takes 101 bytes, more than the 100 of one session (maxBytes)'
  await expect(store.update('a', 0, 'x'.repeat(99))).rejects.toThrow(tooLarge)
  await expect(store.update('a', 0, { a: [{ b: new Date(0) }] })).rejects.toThrow('state.a[0].b must be plain JSON')
  await open({ encryptionKeys: [new Uint8Array(32).fill(1)] }).update('a', 0, 'x')
  await expect(store.get('a')).rejects.toThrow(/the session cannot be read: it is encrypted with key/)
})

test('the time of a session never goes beyond its age', async () => {
  const store = open({ ttlMs: 100, maxAgeMs: 100 })
  const uses = [
    () => store.get('a'),
    () => store.touch('a'),
    () => store.update('a', 1, 'y'),
    () => store.update('a', 1, 'y'),
  ]
  await store.update('a', 0, 'x')
  for (const use of uses) {
    await clock.advance(10)
    await use()
    expect(look((database) => database.prepare('SELECT expires_at - created_at AS ms FROM sessions').get())).toEqual({
      ms: 100,
    })
  }
})

test('a use of a large session writes little', async () => {
  const store = open()
  await store.update('a', 0, 'x'.repeat(60_000))
  const before = statSync(`${file}-wal`).size
  await clock.advance(1)
  await store.get('a')
  expect(statSync(`${file}-wal`).size - before).toBeLessThan(20_000)
})

describe('options', () => {
  test.each([
    [{ ttlMs: 0 }, /ttlMs must be a whole number from 1 to 604800000, got 0/],
    [{ ttlMs: 11, maxAgeMs: 10 }, /ttlMs must be a whole number from 1 to 10, got 11/],
    [{ maxAgeMs: 0 }, /maxAgeMs/],
    [{ maxBytes: 0.5 }, /maxBytes/],
    [{ file: '' }, /file must not be empty/],
    [{ busyTimeoutMs: 60_001 }, /busyTimeoutMs/],
    [{ clock: {} as never }, /clock must be a Clock/],
    [{ encryptionKeys: [new Uint8Array(16)] }, /encryptionKeys\[0\] must have 32 bytes, has 16/],
    [{ maxByte: 1 } as never, /createSqliteSessionStore: unknown option "maxByte"/],
  ] as const)('%o is refused', (options, message) => {
    expect(() => open(options)).toThrow(message)
  })

  test('a maxAgeMs below a day bounds the default of ttlMs', async () => {
    const store = open({ maxAgeMs: 1000 })
    await store.update('a', 0, 'x')
    await clock.advance(1000)
    expect(await store.get('a')).toBeUndefined()
  })
})

describe('faults', () => {
  const said = async (answer: Promise<unknown>): Promise<string> => {
    const error: unknown = await answer.then(
      () => undefined,
      (reason: unknown) => reason,
    )
    expect(error).toBeInstanceOf(StoreError)
    return (error as StoreError).message
  }

  test('another process that holds the file for too long', async () => {
    const store = open()
    await store.update('a', 0, 'x')
    const other = new DatabaseSync(file)
    other.exec('BEGIN IMMEDIATE')
    expect(await said(store.update('a', 1, 'y'))).toMatch(/sessions\.db": the session store is locked/)
    expect(await said(store.get('a'))).toMatch(/is locked/)
    other.exec('ROLLBACK')
    other.close()
    expect(await store.update('a', 1, 'y')).toBe('ok')
  })

  test('a state that somebody else has written', async () => {
    const store = open()
    for (const [id, state] of [
      ['kind', "x'07'"],
      ['json', "x'007b'"],
      ['empty', "x''"],
    ] as const) {
      await store.update(id, 0, 'x')
      look((database) => database.exec(`UPDATE sessions SET state = ${state} WHERE version = 1`))
      expect(await said(store.get(id))).toMatch(/the session cannot be read: /)
      await store.delete(id)
    }
  })

  test('an encrypted state that stands under another id', async () => {
    const store = open({ encryptionKeys: [new Uint8Array(32).fill(1)] })
    await store.update('a', 0, 'mine')
    await store.update('b', 0, 'theirs')
    look((database) => database.exec('UPDATE sessions SET state = (SELECT state FROM sessions LIMIT 1)'))
    const answers = await Promise.allSettled([store.get('a'), store.get('b')])
    expect(answers.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  })

  test('a file that is something else', () => {
    look((database) => database.exec('CREATE TABLE mine (id)'))
    expect(() => open()).toThrow(/sessions\.db": is a database, but no session store/)
  })
})
