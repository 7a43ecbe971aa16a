import type { DatabaseSync } from 'node:sqlite'
import { checkInteger, checkNumber, type Clock } from '../../../operators/index.ts'
import type { DeadLetterStoreSettings } from '../dead-letter-options.ts'
import type { DeadLetterStore } from '../dead-letter-store.ts'
import { LetterCodec } from '../letter-codec.ts'
import { GroupCommit } from './group-commit.ts'
import { listLetters } from './letter-list.ts'
import { letterSchema } from './letter-schema.ts'
import { LetterTable } from './letter-table.ts'
import { checkSubmissionIds, clearedAtOnce, encodeLetter, LetterTransitions } from './letter-transitions.ts'
import { explained } from './store-file.ts'

/** A store on a database that is open, and the store's from now on. */
export function createLetterStore(
  database: DatabaseSync,
  file: string,
  settings: DeadLetterStoreSettings,
  clock: Clock,
): DeadLetterStore {
  const codec = new LetterCodec(settings.encryptionKeys, settings.maxEntryBytes)
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
  /** Without a timer the next transaction would begin before any other timer or socket has its turn. */
  const othersHadTheirTurn = (): Promise<void> =>
    new Promise((resolve) => {
      clock.setTimeout(resolve, 0)
    })
  /** Runs work in one transaction after the other, until there is nothing left that it has to clear away before. */
  const untilDone = async <T>(signal: AbortSignal | undefined, work: () => T | 'again'): Promise<T> => {
    for (;;) {
      const result = await commits.run(signal, work)
      if (result !== 'again') return result
      await othersHadTheirTurn()
    }
  }

  return {
    put: async (letter, { signal, dead = false } = {}) => {
      signal?.throwIfAborted()
      const encoded = encodeLetter(codec, letter)
      return untilDone(signal, () => transitions.put(encoded, dead))
    },
    claim: async ({ pipeline, limit, leaseMs, perSession = Infinity, signal }) => {
      checkInteger('limit', limit, { min: 1, max: 100 })
      checkNumber('leaseMs', leaseMs, { min: 1 })
      checkInteger('perSession', perSession, { min: 1, max: Infinity })
      return untilDone(signal, () => transitions.claim({ pipeline, limit, leaseMs, perSession }))
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
        const { rows, ...next } = listLetters(database, query, (session) => codec.sessionKeysOf(session))
        return { entries: rows.map((row) => transitions.read(row)), ...next }
      }),
    counts: ({ signal } = {}) =>
      read(signal, () => {
        const { due, leased, dead, bytes, done: _, ...totals } = table.readFigures()
        return { due, leased, dead, bytes, totals: { ...totals, orphaned: 0 } }
      }),
    sweep: async ({ signal } = {}) => {
      const report = { released: 0, expired: 0, evicted: 0, repaired: 0, orphaned: 0 }
      for (;;) {
        const { released, expired, evicted } = await commits.run(signal, () => transitions.sweep())
        report.released += released
        report.expired += expired
        report.evicted += evicted
        if (Math.max(released, expired, evicted) < clearedAtOnce) return report
        await othersHadTheirTurn()
      }
    },
    close: async () => {
      if (!database.isOpen) return
      commits.flush()
      database.close()
    },
  }
}
