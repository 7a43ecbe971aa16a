import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { show, messageOf } from '../../operators/index.ts'
import { getLoadablePath } from 'sqlite-vec'
import type { Logger } from '../logger.ts'
import { RetrievalError } from './retrieval-error.ts'

/** Counts up when the tables change. */
const schemaVersion = 3

/**
 * `settings` says how a document was cut, `model` which embedding model its passages' vectors are of (empty where it
 * has none; all vectors are of one model and one length), `metadata` is JSON. A passage's text is stored once, in `passages`; the full-text index holds only its words. The name of the
 * document and the headings are columns of their own, so that they can weigh more than the text.
 */
const schema = `
  CREATE TABLE documents (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL UNIQUE,
    digest TEXT NOT NULL,
    metadata TEXT NOT NULL,
    settings TEXT NOT NULL,
    model TEXT NOT NULL
  );
  CREATE TABLE passages (
    id INTEGER PRIMARY KEY,
    document INTEGER NOT NULL REFERENCES documents (id),
    headings TEXT NOT NULL,
    text TEXT NOT NULL
  );
  CREATE INDEX passages_by_document ON passages (document);
  CREATE VIRTUAL TABLE words USING fts5 (
    name, headings, text, content = '', contentless_delete = 1, tokenize = 'porter unicode61'
  );
  CREATE TABLE vectors (
    passage INTEGER PRIMARY KEY REFERENCES passages (id),
    document INTEGER NOT NULL REFERENCES documents (id),
    vector BLOB NOT NULL
  );
  CREATE INDEX vectors_by_document ON vectors (document);
  PRAGMA user_version = ${schemaVersion};
`

/**
 * Opens or creates an index; its folder is created too. One of an earlier version is emptied, because the documents
 * are still where they came from: `logger` hears of it.
 */
export function openIndex(path: string, busyTimeoutMs: number, logger: Logger): DatabaseSync {
  return explained(path, () => {
    if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true })
    const database = new DatabaseSync(path, { timeout: busyTimeoutMs, allowExtension: true })
    try {
      prepare(path, database, logger)
    } catch (error) {
      database.close()
      throw error
    }
    return database
  })
}

/** Opens an index that is there for a search: nothing can be written through it. */
export function openForReading(path: string, busyTimeoutMs: number, withVectors: boolean): DatabaseSync {
  const database = new DatabaseSync(path, { readOnly: true, timeout: busyTimeoutMs, allowExtension: withVectors })
  if (withVectors) loadVectors(path, database)
  return database
}

/** Gives a connection the functions of sqlite-vec. */
export function loadVectors(path: string, database: DatabaseSync): void {
  try {
    database.loadExtension(getLoadablePath())
    database.enableLoadExtension(false)
  } catch (error) {
    const problem = `cannot be searched by vectors, because sqlite-vec does not load: ${messageOf(error)}`
    throw new RetrievalError(path, problem, { cause: error })
  }
}

function prepare(path: string, database: DatabaseSync, logger: Logger): void {
  database.exec('PRAGMA journal_mode = WAL')
  // The index can be made again from the documents, so a commit need not wait for the disk.
  database.exec('PRAGMA synchronous = NORMAL')
  inTransaction(database, () => {
    const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version'])
    const tables = Number(database.prepare('SELECT count(*) AS count FROM sqlite_schema').get()?.['count'])
    if (version === schemaVersion && hasTables(database)) return
    if (version > 0 && version < schemaVersion && hasTables(database)) {
      database.exec('DROP TABLE IF EXISTS vectors; DROP TABLE words; DROP TABLE passages; DROP TABLE documents')
      logger.info({ path }, 'the retrieval index is of an earlier version: it is made again from the documents')
    } else if (version !== 0 || tables !== 0) {
      throw new RetrievalError(
        path,
        'is not a retrieval index of this version; delete it, and it is made again from the documents, or give another path',
      )
    }
    database.exec(schema)
  })
}

function hasTables(database: DatabaseSync): boolean {
  const found = database
    .prepare(`SELECT count(*) AS count FROM sqlite_schema WHERE name IN ('documents', 'passages', 'words')`)
    .get()
  return found?.['count'] === 3
}

/** Runs `work` so that all or nothing of it is written. */
function inTransaction(database: DatabaseSync, work: () => void): void {
  database.exec('BEGIN IMMEDIATE')
  try {
    work()
    database.exec('COMMIT')
  } catch (error) {
    rollBack(database)
    throw error
  }
}

/** `inTransaction` for work that lets others have their turn; nobody else may use the connection meanwhile. */
export async function inLongTransaction(database: DatabaseSync, work: () => Promise<void>): Promise<void> {
  database.exec('BEGIN IMMEDIATE')
  try {
    await work()
    database.exec('COMMIT')
  } catch (error) {
    rollBack(database)
    throw error
  }
}

/** SQLite takes some failed transactions back by itself. */
function rollBack(database: DatabaseSync): void {
  if (database.isTransaction) database.exec('ROLLBACK')
}

/** `explained` for work that takes a while. */
export async function explainedLater<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    return explained(path, () => {
      throw error
    })
  }
}

/** Runs `work`; what SQLite or the file system objects to becomes an error that names the index and the remedy. */
export function explained<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof RetrievalError) throw error
    throw new RetrievalError(path, problemOf(error), { cause: error })
  }
}

function problemOf(error: unknown): string {
  const { code, errcode, message } = error as { code?: string; errcode?: number; message?: string }
  if (code === 'ERR_INVALID_STATE') return 'the retrieval index is closed'
  // The low byte is the kind of the error, the rest its details: https://www.sqlite.org/rescode.html
  switch (errcode === undefined ? undefined : errcode & 0xff) {
    case 5:
    case 6:
      return 'the retrieval index is locked by another process; stop it or give another path'
    case 8:
      return 'the retrieval index cannot be written; check its permissions and those of its folder'
    case 11:
    case 26:
      return 'is damaged or not a retrieval index; delete it, and it is made again from the documents, or give another path'
    case 13:
      return 'the disk is full'
    case 14:
      return 'the retrieval index cannot be opened; check that it is a file and may be read'
    default:
      return `the retrieval index failed: ${message ?? show(error)}`
  }
}
