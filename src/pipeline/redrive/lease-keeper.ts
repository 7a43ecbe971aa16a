import type { Clock, TimerHandle } from '../../../operators/index.ts'
import type { DeadLetterStore, Lease } from '../../stores/dead-letter-store.ts'
import type { StoreCalls } from './store-calls.ts'

/** How a lease was lost: another has the entry, or may have it, since the store did not say otherwise in time. */
export type Loss = 'fenced' | 'unknown'

/** What a lease is kept with. */
export interface LeaseGround {
  readonly store: Pick<DeadLetterStore, 'extend'>
  readonly calls: StoreCalls
  readonly clock: Clock
  readonly leaseMs: number
}

/** Extends a lease while its entry is being redriven: three times in its time, so that one lost answer does no harm. */
export class LeaseKeeper {
  private readonly ground: LeaseGround
  private readonly lease: Lease
  private readonly onLost: () => void
  private timer: TimerHandle
  private known: number
  private lost: Loss | undefined
  private stopped = false

  /**
   * @param heldFrom When the lease was asked for, by the clock's `now`.
   * @param onLost Told once that what was begun is no longer wanted.
   */
  constructor(ground: LeaseGround, lease: Lease, heldFrom: number, onLost: () => void) {
    this.ground = ground
    this.lease = lease
    this.onLost = onLost
    this.known = heldFrom + ground.leaseMs
    this.arm()
  }

  /** Until when the lease lasts for certain, unless the entry was purged. */
  get until(): number {
    return this.known
  }

  get loss(): Loss | undefined {
    return this.lost
  }

  /** Asks the store whether the lease still holds, and for its whole time from now on. */
  async confirm(): Promise<void> {
    const { store, calls, clock, leaseMs } = this.ground
    const from = clock.now()
    try {
      const answer = await calls.ask((signal) => store.extend(this.lease, { leaseMs, signal }))
      if (answer === 'fenced') this.lose('fenced')
      else this.known = from + leaseMs
    } catch {
      if (clock.now() >= this.known) this.lose('unknown')
    }
  }

  stop(): void {
    this.stopped = true
    this.ground.clock.clearTimeout(this.timer)
  }

  private arm(): void {
    const { clock, leaseMs } = this.ground
    this.timer = clock.setTimeout(() => {
      void this.confirm().then(() => {
        if (!this.stopped) this.arm()
      })
    }, leaseMs / 3)
  }

  private lose(loss: Loss): void {
    if (this.lost !== undefined || this.stopped) return
    this.lost = loss
    this.stop()
    this.onLost()
  }
}
