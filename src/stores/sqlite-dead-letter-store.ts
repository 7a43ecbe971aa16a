import { checkClock, checkInteger, checkText, type Clock, systemClock } from '../../operators/index.ts'
import { checkDeadLetterStore, type DeadLetterStoreOptions } from './dead-letter-options.ts'
import type { DeadLetterStore } from './dead-letter-store.ts'
import { letterSchema } from './sqlite/letter-schema.ts'
import { createLetterStore } from './sqlite/letter-store.ts'
import { openStoreFile } from './sqlite/store-file.ts'

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
  return createLetterStore(openStoreFile(file, letterSchema, busyTimeoutMs), file, settings, clock)
}
