import { systemClock } from '../../operators/index.ts'
import { createSqliteDeadLetterStore, type DeadLetterStore } from '../../src/stores/index.ts'

/** Where a store is that several processes share. */
export interface StorePlace {
  readonly kind: 'sqlite'
  readonly file: string
}

/**
 * @param laterMs By how much the store's clock is fast, so that every lease is over.
 */
export function openStore({ file }: StorePlace, laterMs: number): DeadLetterStore {
  const clock = { ...systemClock, wallTime: () => systemClock.wallTime() + laterMs }
  return createSqliteDeadLetterStore({ file, clock, busyTimeoutMs: 5_000, maxAttempts: 20 })
}
