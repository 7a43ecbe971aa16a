/** How an item that was accepted can end; `evicted`: it was shed instead of being started. */
export type ItemEnd = 'completed' | 'failed' | 'expired' | 'cancelled' | 'evicted' | 'discarded'

/** A channel's books. `offered = accepted + rejected + pending`, `shed = rejected + evicted`, and what was accepted is in exactly one of the other figures. */
export interface ChannelStats {
  readonly offered: number
  readonly accepted: number
  readonly rejected: number
  /** Callers that wait in `send`. */
  readonly pending: number
  readonly waiting: number
  /** Units of the capacity that they take up; one each without `weight`. */
  readonly waitingWeight: number
  readonly running: number
  readonly completed: number
  readonly failed: number
  readonly expired: number
  readonly cancelled: number
  readonly evicted: number
  readonly discarded: number
  readonly shed: number
}

/** What a channel counts; what is present at the moment it need not count. */
export class ChannelBooks {
  offered = 0
  accepted = 0
  rejected = 0
  completed = 0
  failed = 0
  expired = 0
  cancelled = 0
  evicted = 0
  discarded = 0

  /** An accepted item has ended. */
  end(end: ItemEnd): void {
    // Spelt out for the usual end: a computed field costs more.
    if (end === 'completed') this.completed += 1
    else this[end] += 1
  }

  with(present: Pick<ChannelStats, 'pending' | 'waiting' | 'waitingWeight' | 'running'>): ChannelStats {
    const { offered, accepted, rejected, completed, failed, expired, cancelled, evicted, discarded } = this
    const ends = { completed, failed, expired, cancelled, evicted, discarded, shed: rejected + evicted }
    return { offered, accepted, rejected, ...present, ...ends }
  }
}
