import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { show } from '../../../operators/index.ts'
import { StoreError } from '../store-error.ts'

/** What one kind of store keeps in its file. */
export interface StoreSchema {
  /** What the store is called in messages, e.g. `session store`. */
  readonly name: string
  /** Tells the files of this kind from all others: SQLite's `application_id`, not 0. */
  readonly applicationId: number
  /** Counts up when the tables change, 1 …: SQLite's `user_version`. */
  readonly version: number
  /** Makes the tables in an empty file. */
  readonly tables: string
  /**
   * `FULL` waits for the disk at each commit, so that it outlives a power cut. After one `NORMAL` may lack the last
   * commits, but the file is whole; what a process had committed when it was killed is there either way.
   */
  readonly synchronous: 'FULL' | 'NORMAL'
}

/** Between two attempts to be the one that may change a new file. */
const retryMs = 5

/**
 * Opens or creates a store's file (its folder, too), or a store in memory (`:memory:`). Only its owner may read a new
 * one. Several processes may have it open.
 *
 * @param busyTimeoutMs How long a write waits, blocking, for another process's.
 * @throws StoreError naming the file, what is wrong and what helps.
 */
export function openStoreFile(file: string, schema: StoreSchema, busyTimeoutMs: number): DatabaseSync {
  return explained(file, schema, () => {
    if (file !== ':memory:') {
      mkdirSync(dirname(file), { recursive: true })
      closeSync(openSync(file, 'a', 0o600))
    }
    const database = new DatabaseSync(file, { timeout: busyTimeoutMs })
    try {
      writeAhead(database, busyTimeoutMs)
      database.exec(`PRAGMA synchronous = ${schema.synchronous}`)
      inTransaction(database, () => {
        prepare(file, database, schema)
      })
    } catch (error) {
      database.close()
      throw error
    }
    return database
  })
}

/** Runs `work` so that all or nothing of it is written; other processes' writes wait. */
export function inTransaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    database.exec('COMMIT')
    return result
  } catch (error) {
    // SQLite takes some failed transactions back by itself.
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

/** Runs `work`; what SQLite or the file system objects to becomes a StoreError that names the file and what helps. */
export function explained<T>(file: string, { name }: Pick<StoreSchema, 'name'>, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof Error && 'code' in error && isOfSystem(error.code)) {
      throw new StoreError(`${show(file)}: the ${name} ${problemOf(error)}`, { cause: error })
    }
    throw error
  }
}

/**
 * Of those that open a new file at the same time only one can change how it is written, and SQLite refuses the others at
 * once, whatever their time-out is.
 */
function writeAhead(database: DatabaseSync, busyTimeoutMs: number): void {
  for (let waitedMs = 0; ; waitedMs += retryMs) {
    try {
      database.exec('PRAGMA journal_mode = WAL')
      return
    } catch (error) {
      if (kindOf(error) !== 5 || waitedMs >= busyTimeoutMs) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, retryMs)
    }
  }
}

function prepare(file: string, database: DatabaseSync, { name, applicationId, version, tables }: StoreSchema): void {
  const found = database.prepare('SELECT * FROM pragma_application_id, pragma_user_version').get()
  const [hasId, hasVersion] = [Number(found?.['application_id']), Number(found?.['user_version'])]
  if (hasId === applicationId && hasVersion === version) return
  if (hasId === applicationId) {
    throw new StoreError(
      `${show(file)}: the ${name} has schema version ${hasVersion}, expected ${version}; ` +
        'use the version of spillway that wrote it, or give another file',
    )
  }
  const objects = Number(database.prepare('SELECT count(*) AS count FROM sqlite_schema').get()?.['count'])
  if (hasId !== 0 || hasVersion !== 0 || objects !== 0) {
    throw new StoreError(`${show(file)}: is a database, but no ${name}; give another file`)
  }
  database.exec(tables)
  database.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${version}`)
}

function isOfSystem(code: unknown): boolean {
  return code === 'ERR_SQLITE_ERROR' || code === 'ERR_INVALID_STATE' || /^E[A-Z0-9]+$/.test(String(code))
}

/** The low byte is the kind of the error, the rest its details: https://www.sqlite.org/rescode.html */
function kindOf(error: unknown): number | undefined {
  const { errcode } = error as { readonly errcode?: number }
  return errcode === undefined ? undefined : errcode & 0xff
}

function problemOf(error: Error & { readonly code: unknown }): string {
  if (error.code === 'ERR_INVALID_STATE') return 'is closed'
  switch (kindOf(error)) {
    case 5:
    case 6:
      return 'is locked by another process that writes for too long'
    case 8:
      return 'cannot be written; check the permissions of the file and its folder'
    case 11:
      return 'is damaged; move the file away, and a new one is made'
    case 13:
      return 'cannot grow: the disk is full'
    case 14:
      return 'cannot be opened; check that it is a file and its folder may be written'
    case 26:
      return 'is no SQLite database; give another file'
    default:
      return `failed: ${error.message}`
  }
}
