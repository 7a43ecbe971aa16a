import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { show } from '../../operators/index.ts'
import { RetrievalError } from './retrieval-error.ts'

/** Counts up when the tables change. */
const schemaVersion = 1

/**
 * A passage's text is stored once, in `passages`; the full-text index holds only its words. The name of the
 * document and the headings are columns of their own, so that they can weigh more than the text.
 */
const schema = `
  CREATE TABLE documents (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL UNIQUE,
    digest TEXT NOT NULL
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
  PRAGMA user_version = ${schemaVersion};
`

/** Opens or creates an index; its folder is created too. */
export function openIndex(path: string, busyTimeoutMs: number): DatabaseSync {
  return explained(path, () => {
    if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true })
    const database = new DatabaseSync(path, { timeout: busyTimeoutMs })
    try {
      prepare(path, database)
    } catch (error) {
      database.close()
      throw error
    }
    return database
  })
}

function prepare(path: string, database: DatabaseSync): void {
  database.exec('PRAGMA journal_mode = WAL')
  // The index can be made again from the documents, so a commit need not wait for the disk.
  database.exec('PRAGMA synchronous = NORMAL')
  inTransaction(database, () => {
    const version = database.prepare('PRAGMA user_version').get()?.['user_version']
    const tables = database.prepare('SELECT count(*) AS count FROM sqlite_schema').get()?.['count']
    if (version === 0 && tables === 0) {
      database.exec(schema)
    } else if (version !== schemaVersion || !hasTables(database)) {
      throw new RetrievalError(path, 'is not a retrieval index of this version; delete it or give another path')
    }
  })
}

function hasTables(database: DatabaseSync): boolean {
  const found = database
    .prepare(`SELECT count(*) AS count FROM sqlite_schema WHERE name IN ('documents', 'passages', 'words')`)
    .get()
  return found?.['count'] === 3
}

/** Runs `work` so that all or nothing of it is written. */
export function inTransaction(database: DatabaseSync, work: () => void): void {
  database.exec('BEGIN IMMEDIATE')
  try {
    work()
    database.exec('COMMIT')
  } catch (error) {
    // SQLite takes some failed transactions back by itself.
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
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
      return 'is damaged or not a retrieval index; delete it or give another path'
    case 13:
      return 'the disk is full'
    case 14:
      return 'the retrieval index cannot be opened; check that it is a file and may be read'
    default:
      return `the retrieval index failed: ${message ?? show(error)}`
  }
}
