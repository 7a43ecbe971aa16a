import { Buffer } from 'node:buffer'
import { checkClock, checkInteger, checkKeys, checkText, type Clock, systemClock } from '../../operators/index.ts'
import { LetterCodec } from './letter-codec.ts'
import { checkEncryptionKeys, Seal } from './seal.ts'
import { explained, inTransaction, openStoreFile, type StoreSchema } from './sqlite/store-file.ts'

/** What the redrive of a dead letter gave. */
export interface RedriveAnswer {
  /** When it was completed, in milliseconds since 1970-01-01 UTC. */
  readonly at: number
  /** The answer; plain JSON. */
  readonly answer: unknown
}

/** Where the answers of redrives are kept, for how long, and how many. */
export interface RedriveAnswersOptions {
  /** A file, created with its folder when it is missing, or `':memory:'`. */
  readonly file: string
  /** How long one is kept, 1 …; default 86,400,000 ms (one day). */
  readonly maxAgeMs?: number
  /** Bytes of all together, 1 …; default 16 MiB. Beyond it the oldest are forgotten. */
  readonly maxBytes?: number
  /** As of the dead letters; default none: they can be read. */
  readonly encryptionKeys?: readonly Uint8Array[]
  /** How long a call waits, blocking, for another process's, 0 … 60,000 ms; default 1,000. */
  readonly busyTimeoutMs?: number
  /** Default: the machine's clock. */
  readonly clock?: Clock
}

/** The answers of redrives, for those who come to look. */
export interface RedriveAnswers {
  /** Keeps an answer, in the place of an earlier one of that submission; one that alone is too large is not kept. */
  keep(submissionId: string, answer: unknown): void
  /** `undefined` when there is none, or no longer. */
  get(submissionId: string): RedriveAnswer | undefined
  close(): void
}

/** Whoever waits for an answer of a redrive has it; this is a copy, so a power cut may take the last ones. */
const schema: StoreSchema = {
  name: 'store of redrive answers',
  applicationId: 0x73707752,
  version: 1,
  tables: `
    CREATE TABLE answers (
      key TEXT PRIMARY KEY,
      at INTEGER NOT NULL,
      bytes INTEGER NOT NULL,
      answer BLOB NOT NULL
    );
    CREATE INDEX answers_by_time ON answers (at);
  `,
  synchronous: 'NORMAL',
}

/**
 * Keeps the answers of redrives in a SQLite file that several processes of one machine may share.
 *
 * @throws TypeError or RangeError that names the option, its value and the allowed range; StoreError when the file
 * cannot be opened, or is something else.
 */
export function createSqliteRedriveAnswers(options: RedriveAnswersOptions): RedriveAnswers {
  checkKeys('createSqliteRedriveAnswers', options, [
    ...['file', 'maxAgeMs', 'maxBytes', 'encryptionKeys', 'busyTimeoutMs', 'clock'],
  ])
  const file = checkText('file', options.file)
  const maxAgeMs = checkInteger('maxAgeMs', options.maxAgeMs ?? 86_400_000, { min: 1 })
  const maxBytes = checkInteger('maxBytes', options.maxBytes ?? 16_777_216, { min: 1 })
  const keys = checkEncryptionKeys('encryptionKeys', options.encryptionKeys ?? [])
  const clock = checkClock('clock', options.clock ?? systemClock)
  const busyTimeoutMs = checkInteger('busyTimeoutMs', options.busyTimeoutMs ?? 1_000, { max: 60_000 })
  const seal = new Seal(keys)
  const codec = new LetterCodec(keys, maxBytes)
  const database = openStoreFile(file, schema, busyTimeoutMs)
  const attempt = <T>(work: () => T): T => explained(file, schema, work)
  const [insert, remove, forgetOld, forgetOldest, sum, changes, select] = attempt(() =>
    [
      'INSERT INTO answers (key, at, bytes, answer) VALUES (:key, :at, :bytes, :answer)',
      'DELETE FROM answers WHERE key = :key RETURNING bytes',
      'DELETE FROM answers WHERE at <= :oldest RETURNING bytes',
      `DELETE FROM answers WHERE key = (SELECT key FROM answers ORDER BY at, key DESC LIMIT 1) RETURNING bytes`,
      'SELECT coalesce(sum(bytes), 0) AS bytes FROM answers',
      'PRAGMA data_version',
      'SELECT at, answer FROM answers WHERE key = :key AND at > :oldest',
    ].map((sql) => database.prepare(sql)),
  ) as [Statement, Statement, Statement, Statement, Statement, Statement, Statement]
  /** Bytes of all, as of a version of the file: another process's write makes it another version, one's own does not. */
  let total = 0
  let version: unknown
  const forget = (removed: Statement, parameters: Record<string, string | number> = {}): void => {
    for (const { bytes } of removed.all(parameters) as unknown as readonly { readonly bytes: number }[]) total -= bytes
  }
  return {
    keep(submissionId, answer) {
      const key = codec.keyOf(submissionId)
      const sealed = seal.close(JSON.stringify(answer), key)
      const at = clock.wallTime()
      const bytes = sealed.length
      attempt(() => {
        const before = version
        version = undefined
        version = inTransaction(database, () => {
          const { data_version: present } = changes.get() as { readonly data_version: number }
          if (present !== before) total = (sum.get() as { readonly bytes: number }).bytes
          forget(remove, { key })
          forget(forgetOld, { oldest: at - maxAgeMs })
          if (bytes > maxBytes) return present
          while (total + bytes > maxBytes) forget(forgetOldest)
          insert.run({ key, at, bytes, answer: sealed })
          total += bytes
          return present
        })
      })
    },
    get(submissionId) {
      const key = codec.keyOf(submissionId)
      const row = attempt(() => select.get({ key, oldest: clock.wallTime() - maxAgeMs })) as Row | undefined
      return row && { at: row.at, answer: JSON.parse(seal.open(Buffer.from(row.answer), key)) as unknown }
    },
    close() {
      if (database.isOpen) database.close()
    },
  }
}

type Statement = ReturnType<ReturnType<typeof openStoreFile>['prepare']>

interface Row {
  readonly at: number
  readonly answer: Uint8Array
}
