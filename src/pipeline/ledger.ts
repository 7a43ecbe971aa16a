import type { OutcomeKind } from './outcome.ts'
import type { Ledger, Origin } from './running.ts'

/** Counts submissions and their ends, beside the requests that are on their way: each must account for the other. */
export class LedgerBook {
  readonly origin: Origin = 'client'
  private readonly live: { readonly size: number }
  private submitted = 0
  private completed = 0
  private shed = 0
  private failed = 0
  private expired = 0
  private cancelled = 0

  /** @param live The requests that have not ended. */
  constructor(live: { readonly size: number }) {
    this.live = live
  }

  submit(): void {
    this.submitted += 1
  }

  end(kind: OutcomeKind): void {
    this[kind] += 1
  }

  get inFlight(): number {
    return this.live.size
  }

  snapshot(): Ledger {
    const { submitted, completed, shed, failed, expired, cancelled, inFlight } = this
    return { submitted, completed, shed, failed, expired, cancelled, inFlight }
  }
}
