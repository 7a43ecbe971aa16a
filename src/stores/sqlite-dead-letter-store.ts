import { checkClock, checkInteger, checkNumber, checkText, type Clock, systemClock } from '../../operators/index.ts'
import { checkDeadLetterStore, type DeadLetterStoreOptions } from './dead-letter-options.ts'
import type { DeadLetterStore } from './dead-letter-store.ts'
import { LetterCodec } from './letter-codec.ts'
import { GroupCommit } from './sqlite/group-commit.ts'
import { listLetters } from './sqlite/letter-list.ts'
import { letterSchema } from './sqlite/letter-schema.ts'
import { LetterTable } from './sqlite/letter-table.ts'
import { checkSubmissionIds, encodeLetter, LetterTransitions } from './sqlite/letter-transitions.ts'
import { explained, openStoreFile } from './sqlite/store-file.ts'

/** Where dead letters are kept, and how many. */
export interface SqliteDeadLetterStoreOptions extends DeadLetterStoreOptions {
  /** A file, created with its folder when it is missing, or `':memory:'`. */
  readonly file: string
  /** How long a call waits, blocking, for another process's, 0 … 60,000 ms; default 1,000. */
  readonly busyTimeoutMs?: number
  /** Default: the machine's clock. */
  readonly clock?: Clock
}

/**
 * Keeps dead letters in a SQLite file that several processes of one machine may share. What is acknowledged is on disk:
 * it outlives a crash of the process, and a power cut. Calls that arrive together share one transaction, and one wait for
 * the disk, during which the event loop stands still.
 *
 * @throws TypeError or RangeError that names the option, its value and the allowed range; StoreError when the file
 * cannot be opened, or is something else.
 *
 * @example
 * ```ts
 * const deadLetters = createSqliteDeadLetterStore({ file: './.spillway/dead-letters.db' })
 * const running = chat.start({ deadLetters })
 * ```
 */
export function createSqliteDeadLetterStore(options: SqliteDeadLetterStoreOptions): DeadLetterStore {
  const settings = checkDeadLetterStore('createSqliteDeadLetterStore', options, ['file', 'busyTimeoutMs', 'clock'])
  const file = checkText('file', options.file)
  const busyTimeoutMs = checkInteger('busyTimeoutMs', options.busyTimeoutMs ?? 1000, { max: 60_000 })
  const clock = checkClock('clock', options.clock ?? systemClock)
  const codec = new LetterCodec(settings.encryptionKeys, settings.maxEntryBytes)
  const database = openStoreFile(file, letterSchema, busyTimeoutMs)
  const table = explained(file, letterSchema, () => new LetterTable(database))
  const transitions = new LetterTransitions(table, codec, settings, () => clock.wallTime())
  const commits = new GroupCommit(database, file, letterSchema, {
    begin: () => {
      table.load()
    },
    end: () => {
      table.save()
    },
  })
  const read = async <T>(signal: AbortSignal | undefined, work: () => T): Promise<T> => {
    signal?.throwIfAborted()
    commits.assertOpen()
    return explained(file, letterSchema, work)
  }

  return {
    put: async (letter, { signal, dead = false } = {}) => {
      signal?.throwIfAborted()
      const encoded = encodeLetter(codec, letter)
      return commits.run(signal, () => transitions.put(encoded, dead))
    },
    claim: async ({ pipeline, limit, leaseMs, perSession = Infinity, signal }) => {
      checkInteger('limit', limit, { min: 1, max: 100 })
      checkNumber('leaseMs', leaseMs, { min: 1 })
      checkInteger('perSession', perSession, { min: 1, max: Infinity })
      return commits.run(signal, () => transitions.claim({ pipeline, limit, leaseMs, perSession }))
    },
    ack: async (lease, { signal } = {}) => commits.run(signal, () => transitions.ack(lease)),
    fail: async (lease, failure, { retryInMs, final = false, signal }) => {
      checkNumber('retryInMs', retryInMs)
      return commits.run(signal, () => transitions.fail(lease, failure, retryInMs, final))
    },
    defer: async (lease, { retryInMs, signal }) => {
      checkNumber('retryInMs', retryInMs)
      return commits.run(signal, () => transitions.defer(lease, retryInMs))
    },
    extend: async (lease, { leaseMs, signal }) => {
      checkNumber('leaseMs', leaseMs, { min: 1 })
      return commits.run(signal, () => transitions.extend(lease, leaseMs))
    },
    replay: async (submissionIds, { signal } = {}) => {
      checkSubmissionIds(submissionIds)
      return commits.run(signal, () => submissionIds.map((id) => transitions.replay(id)))
    },
    purge: async (submissionIds, { signal } = {}) => {
      checkSubmissionIds(submissionIds)
      return commits.run(signal, () => submissionIds.map((id) => transitions.purge(id)))
    },
    get: (submissionId, { signal } = {}) =>
      read(signal, () => {
        const row = table.read(codec.keyOf(submissionId))
        return row && transitions.read(row)
      }),
    list: (query = {}) =>
      read(query.signal, () => {
        const { rows, ...next } = listLetters(database, query, (session) => codec.sessionKeyOf(session))
        return { entries: rows.map((row) => transitions.read(row)), ...next }
      }),
    counts: ({ signal } = {}) =>
      read(signal, () => {
        const { due, leased, dead, bytes, done: _, ...totals } = table.readFigures()
        return { due, leased, dead, bytes, totals: { ...totals, orphaned: 0 } }
      }),
    sweep: async ({ signal } = {}) => commits.run(signal, () => transitions.sweep()),
    close: async () => {
      if (!database.isOpen) return
      commits.flush()
      database.close()
    },
  }
}
