import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { checkClock, checkInteger, checkText, type Clock, systemClock } from '../../operators/index.ts'
import { SessionCodec } from './session-codec.ts'
import { checkSessionStore, type SessionStoreOptions, type SessionStoreSettings } from './session-options.ts'
import type { SessionStore } from './session-store.ts'
import { explained, inTransaction, openStoreFile, type StoreSchema } from './sqlite/store-file.ts'

/** Where sessions are kept, for how long, and what they may hold. */
export interface SqliteSessionStoreOptions extends SessionStoreOptions {
  /** A file, created with its folder when it is missing, or `':memory:'`. */
  readonly file: string
  /** How long a call waits, blocking, for another process's, 0 … 60,000 ms; default 1,000. */
  readonly busyTimeoutMs?: number
  /** Sessions at a time, 1 …; default 100,000. Beyond it those go that would end first: the least recently used. */
  readonly maxSessions?: number
  /** Default: the machine's clock. */
  readonly clock?: Clock
}

/** A store of sessions in a file. */
export interface SqliteSessionStore extends SessionStore {
  /** Sessions that it has forgotten before their time, since it was opened, because there were more than `maxSessions`. */
  readonly evicted: number
}

/**
 * Times are milliseconds since 1970-01-01 UTC. `state` is what the codec made of it, `digest` its digest. Sessions are
 * worth less than a wait for the disk at each turn: after a power cut the last turns may be missing, never the file.
 */
const schema: StoreSchema = {
  name: 'session store',
  applicationId: 0x73707753,
  version: 1,
  tables: `
    CREATE TABLE sessions (
      key TEXT PRIMARY KEY,
      version INTEGER NOT NULL,
      created_at INTEGER NOT NULL,
      updated_at INTEGER NOT NULL,
      expires_at INTEGER NOT NULL,
      digest TEXT NOT NULL,
      state BLOB NOT NULL
    );
    CREATE INDEX sessions_by_expiry ON sessions (expires_at);
  `,
  synchronous: 'NORMAL',
}

/** An update adds one session at the most, so those that are over, or too many, get fewer. */
const deletedAtOnce = 8

/**
 * Keeps sessions in a SQLite file that several processes of one machine may share. What an update has stored outlives a
 * crash of the process; after a power cut the last ones may be missing.
 *
 * @throws TypeError or RangeError that names the option, its value and the allowed range; StoreError when the file
 * cannot be opened, or is something else.
 *
 * @example
 * ```ts
 * const sessions = createSqliteSessionStore({ file: './.spillway/sessions.db' })
 * ```
 */
export function createSqliteSessionStore(options: SqliteSessionStoreOptions): SqliteSessionStore {
  const ownKeys = ['file', 'busyTimeoutMs', 'maxSessions', 'clock'] as const
  const settings = checkSessionStore('createSqliteSessionStore', options, ownKeys)
  const file = checkText('file', options.file)
  const busyTimeoutMs = checkInteger('busyTimeoutMs', options.busyTimeoutMs ?? 1000, { max: 60_000 })
  const maxSessions = checkInteger('maxSessions', options.maxSessions ?? 100_000, { min: 1 })
  const clock = checkClock('clock', options.clock ?? systemClock)
  const codec = new SessionCodec(settings)
  const database = openStoreFile(file, schema, busyTimeoutMs)
  const statements = explained(file, schema, () => prepare(database, settings))

  const answer = <T>(signal: AbortSignal | undefined, work: (now: number) => T): Promise<T> =>
    new Promise((resolve) => {
      signal?.throwIfAborted()
      resolve(explained(file, schema, () => work(clock.wallTime())))
    })

  let evicted = 0
  /** Makes room for a session. */
  const evict = (key: string): void => {
    const beyond = Number(statements.count.get()?.['count']) - maxSessions
    const limit = Math.min(beyond, deletedAtOnce)
    if (limit > 0) evicted += Number(statements.deleteFirst.run({ key, limit }).changes)
  }

  return {
    maxBytes: settings.maxBytes,
    get evicted() {
      return evicted
    },
    get: (id, { signal } = {}) =>
      answer(signal, (now) => {
        const key = codec.keyOf(id)
        const row = statements.use.get({ key, now }) as Row | undefined
        return row && { version: row.version, state: codec.decode(row.state, key), updatedAt: row.updated_at }
      }),
    update: (id, expectedVersion, state, { signal } = {}) =>
      answer(signal, (now) => {
        const key = codec.keyOf(id)
        checkInteger('expectedVersion', expectedVersion)
        const { payload, digest } = codec.encode(state, key)
        return inTransaction(database, () => {
          const session = { key, now, digest }
          const changed =
            expectedVersion === 0
              ? changes(statements.create, { ...session, state: payload })
              : changes(statements.replace, { ...session, state: payload, expectedVersion })
          const stored = changed || changes(statements.repeat, { ...session, expectedVersion })
          statements.deleteExpired.run({ now })
          evict(key)
          return stored ? 'ok' : 'conflict'
        })
      }),
    touch: (id, { signal } = {}) =>
      answer(signal, (now) => statements.use.get({ key: codec.keyOf(id), now }) !== undefined),
    delete: (id, { signal } = {}) =>
      answer(signal, (now) => statements.delete.get({ key: codec.keyOf(id), now })?.['lived'] === 1),
    close: () =>
      answer(undefined, () => {
        if (database.isOpen) database.close()
      }),
  }
}

interface Row {
  readonly version: number
  readonly state: Uint8Array
  readonly updated_at: number
}

type Statement = 'use' | 'create' | 'replace' | 'repeat' | 'delete' | 'deleteExpired' | 'count' | 'deleteFirst'

/** Each is a use of one session, by its `key`, if its time is not over; each judges that by itself, so none can be late. */
function prepare(
  database: DatabaseSync,
  { ttlMs, maxAgeMs }: SessionStoreSettings,
): Readonly<Record<Statement, StatementSync>> {
  // By the age, too, which another process may have left more of.
  const lives = `sessions.expires_at > :now AND sessions.created_at + ${maxAgeMs} > :now`
  const expiry = `min(:now + ${ttlMs}, created_at + ${maxAgeMs})`
  return {
    use: database.prepare(`
      UPDATE sessions SET expires_at = ${expiry} WHERE key = :key AND ${lives}
      RETURNING version, state, updated_at
    `),
    create: database.prepare(`
      INSERT INTO sessions (key, version, created_at, updated_at, expires_at, digest, state)
      VALUES (:key, 1, :now, :now, :now + ${ttlMs}, :digest, :state)
      ON CONFLICT (key) DO UPDATE SET
        version = 1, created_at = :now, updated_at = :now, expires_at = excluded.expires_at,
        digest = :digest, state = :state
      WHERE NOT (${lives})
    `),
    replace: database.prepare(`
      UPDATE sessions SET
        version = version + 1, updated_at = :now, expires_at = ${expiry}, digest = :digest, state = :state
      WHERE key = :key AND version = :expectedVersion AND ${lives}
    `),
    repeat: database.prepare(`
      UPDATE sessions SET expires_at = ${expiry}
      WHERE key = :key AND version = :expectedVersion + 1 AND digest = :digest AND ${lives}
    `),
    delete: database.prepare(`DELETE FROM sessions WHERE key = :key RETURNING ${lives} AS lived`),
    deleteExpired: database.prepare(`
      DELETE FROM sessions
      WHERE key IN (SELECT key FROM sessions WHERE expires_at <= :now ORDER BY expires_at LIMIT ${deletedAtOnce})
    `),
    count: database.prepare('SELECT count(*) AS count FROM sessions'),
    deleteFirst: database.prepare(`
      DELETE FROM sessions
      WHERE key IN (SELECT key FROM sessions WHERE key <> :key ORDER BY expires_at LIMIT :limit)
    `),
  }
}

/** Whether the statement has changed something. */
function changes(statement: StatementSync, values: Record<string, SQLInputValue>): boolean {
  return statement.run(values).changes === 1
}
