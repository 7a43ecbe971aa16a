import type { OutcomeKind } from './outcome.ts'
import type { Ledger, Origin } from './running.ts'

/** Counts submissions and their ends; what is not ended is in flight. */
export class LedgerBook {
  readonly origin: Origin = 'client'
  private submitted = 0
  private completed = 0
  private shed = 0
  private failed = 0
  private expired = 0
  private cancelled = 0

  submit(): void {
    this.submitted += 1
  }

  end(kind: OutcomeKind): void {
    this[kind] += 1
  }

  get inFlight(): number {
    return this.submitted - this.completed - this.shed - this.failed - this.expired - this.cancelled
  }

  snapshot(): Ledger {
    const { submitted, completed, shed, failed, expired, cancelled, inFlight } = this
    return { submitted, completed, shed, failed, expired, cancelled, inFlight }
  }
}
