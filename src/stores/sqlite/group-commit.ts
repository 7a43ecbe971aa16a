import { nextTick } from 'node:process'
import type { DatabaseSync } from 'node:sqlite'
import { StoreError } from '../store-error.ts'
import { explained, inTransaction, type StoreSchema } from './store-file.ts'

/** What is done in each transaction, before the work and after it. */
interface Frame {
  readonly begin: () => void
  readonly end: () => void
}

interface Piece {
  readonly signal: AbortSignal | undefined
  readonly work: () => unknown
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
}

/**
 * Writes to a database so that pieces of work that arrive together share one transaction, and one wait for the disk;
 * each hears of its result when that is committed.
 */
export class GroupCommit {
  private readonly database: DatabaseSync
  private readonly file: string
  private readonly schema: StoreSchema
  private readonly frame: Frame
  private waiting: Piece[] = []

  constructor(database: DatabaseSync, file: string, schema: StoreSchema, frame: Frame) {
    this.database = database
    this.file = file
    this.schema = schema
    this.frame = frame
  }

  /** Runs synchronous work in a transaction, its own or one with others; nothing of it is written when it throws. */
  run<T>(signal: AbortSignal | undefined, work: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      signal?.throwIfAborted()
      this.assertOpen()
      this.waiting.push({ signal, work, resolve: resolve as (result: unknown) => void, reject })
      // After all promises that are settled by now: what follows from the answers of one transaction shares the next.
      if (this.waiting.length === 1) queueMicrotask(() => nextTick(() => this.flush()))
    })
  }

  /** @throws StoreError when the database is closed. */
  assertOpen(): void {
    if (!this.database.isOpen) throw new StoreError(`${JSON.stringify(this.file)}: the ${this.schema.name} is closed`)
  }

  /** Writes all that waits. */
  flush(): void {
    const pieces = this.waiting
    this.waiting = []
    const wanted = pieces.filter(({ signal, reject }) => {
      if (signal?.aborted === true) reject(signal.reason)
      return signal?.aborted !== true
    })
    if (wanted.length > 0) this.commit(wanted)
  }

  private commit(pieces: readonly Piece[]): void {
    const transaction = { begun: false }
    try {
      const results = explained(this.file, this.schema, () =>
        inTransaction(this.database, () => {
          transaction.begun = true
          this.frame.begin()
          const found = pieces.map(({ work }) => work())
          this.frame.end()
          return found
        }),
      )
      for (const [at, { resolve }] of pieces.entries()) resolve(results[at])
    } catch (error) {
      // One that cannot be written must not take the others with it.
      if (transaction.begun && pieces.length > 1) for (const piece of pieces) this.commit([piece])
      else for (const { reject } of pieces) reject(error)
    }
  }
}
