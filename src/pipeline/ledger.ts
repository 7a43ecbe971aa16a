import type { Origin, OutcomeKind } from './outcome.ts'
import type { Ledger } from './running.ts'

/** Submissions and their ends. */
type Counts = Record<OutcomeKind | 'submitted', number>

function noCounts(): Counts {
  return { submitted: 0, completed: 0, shed: 0, failed: 0, expired: 0, cancelled: 0 }
}

/** Counts submissions and their ends, beside the requests that are on their way: each must account for the other. */
export class LedgerBook {
  private readonly live: { readonly size: number }
  private readonly all = noCounts()
  /** Those of the retry worker, among all. */
  private readonly redriven = noCounts()

  /** @param live The requests that have not ended. */
  constructor(live: { readonly size: number }) {
    this.live = live
  }

  submit(origin: Origin): void {
    this.all.submitted += 1
    if (origin !== 'client') this.redriven.submitted += 1
  }

  end(kind: OutcomeKind, origin: Origin): void {
    this.all[kind] += 1
    if (origin !== 'client') this.redriven[kind] += 1
  }

  get inFlight(): number {
    return this.live.size
  }

  snapshot(): Ledger {
    return { ...this.all, inFlight: this.inFlight }
  }

  /** What of all was submitted by whom. */
  countsOf(origin: Origin): Omit<Ledger, 'inFlight'> {
    const { all, redriven } = this
    if (origin === 'redrive') return { ...redriven }
    return {
      submitted: all.submitted - redriven.submitted,
      completed: all.completed - redriven.completed,
      shed: all.shed - redriven.shed,
      failed: all.failed - redriven.failed,
      expired: all.expired - redriven.expired,
      cancelled: all.cancelled - redriven.cancelled,
    }
  }
}
