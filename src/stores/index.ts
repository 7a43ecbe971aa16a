export type {
  ClaimedDeadLetter,
  DeadLetter,
  DeadLetterCounts,
  DeadLetterFailure,
  DeadLetterFilter,
  DeadLetterKind,
  DeadLetterPage,
  DeadLetterState,
  DeadLetterStore,
  DeadLetterTotals,
  DeadLetterWriter,
  Fenced,
  Lease,
  PutResult,
  ReplayResult,
  StoredDeadLetter,
  SweepReport,
} from './dead-letter-store.ts'
export type { DeadLetterStoreOptions } from './dead-letter-options.ts'
export type { SessionStoreOptions } from './session-options.ts'
export type { SessionStore, StoredSession } from './session-store.ts'
export {
  createSpooledDeadLetterStore,
  type SpooledDeadLetterStore,
  type SpooledDeadLetterStoreOptions,
  type SpoolFigures,
} from './spooled-dead-letter-store.ts'
export { createSqliteDeadLetterStore, type SqliteDeadLetterStoreOptions } from './sqlite-dead-letter-store.ts'
export {
  createSqliteSessionStore,
  type SqliteSessionStore,
  type SqliteSessionStoreOptions,
} from './sqlite-session-store.ts'
export { StoreError, UnstorableError } from './store-error.ts'
