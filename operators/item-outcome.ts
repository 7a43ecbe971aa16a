import { reportUnhandled } from './report-unhandled.ts'

/** Why an item, or a request, was turned away. */
export type ShedReason =
  | 'full'
  | 'evicted'
  | 'door'
  | 'delay'
  | 'deadline'
  | 'too-large'
  | 'wait-timeout'
  | 'rate'
  | 'breaker'
  | 'budget'
  | 'draining'
  | 'stage-down'

/** How one item that was offered to a channel ended; told exactly once for each. */
export interface ItemOutcome<T> {
  readonly kind: 'completed' | 'shed' | 'failed' | 'expired' | 'discarded'
  readonly value: T
  /** Why it was shed. */
  readonly reason?: ShedReason
  /** Of one that a rate limit shed: the whole milliseconds after which it would pass. */
  readonly retryAfterMs?: number
  /** What its project threw or rejected with. */
  readonly error?: unknown
  /** From its arrival to its start or, if it never started, to its end. */
  readonly waitedMs: number
  /** From its start to its end; 0 if it never started. */
  readonly ranMs: number
}

/** Tells an outcome; what its observer throws is reported as unhandled, because it is nobody's fault here. */
export function tellOutcome<T>(onOutcome: (outcome: ItemOutcome<T>) => void, outcome: ItemOutcome<T>): void {
  try {
    onOutcome(outcome)
  } catch (thrown) {
    reportUnhandled(thrown)
  }
}
