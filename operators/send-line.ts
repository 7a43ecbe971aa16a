import type { ChannelSettings } from './channel-options.ts'
import { OverflowError } from './errors.ts'
import type { Rank } from './line.ts'
import { WaitLine } from './wait-line.ts'

/** What a caller brings. */
interface Brought<T> {
  readonly value: T
  readonly weight: number
  readonly rank: Rank
}

/** Callers that wait for room in a channel: first come, first served, and not too many. */
export class SendLine<T> extends WaitLine<Brought<T>, void> {
  private readonly most: number

  /** @param most Callers that may wait at once. */
  constructor(most: number) {
    super()
    this.most = most
  }

  /**
   * Joins the line, unless it is full or no room could ever be enough.
   *
   * @param onLeave Called when the caller is refused here, or leaves by its signal.
   */
  joinOrRefuse(
    brought: Brought<T>,
    capacity: number,
    signal: AbortSignal | undefined,
    onLeave: () => void,
  ): Promise<void> {
    const fault = isTooHeavy(brought.weight, capacity)
      ? tooHeavy(brought.weight, capacity)
      : this.length >= this.most && new OverflowError(`send: ${this.most} callers wait already, which is maxSenders`)
    if (fault === false) return this.join(brought, signal, onLeave)
    onLeave()
    return Promise.reject(fault)
  }

  /** Sends the first away if a capacity that was lowered can never hold what it brings. */
  refuseTooHeavy(capacity: number): boolean {
    const { first } = this
    if (first === undefined || !isTooHeavy(first.weight, capacity)) return false
    this.refuse(tooHeavy(first.weight, capacity))
    return true
  }
}

/** Whether it never fits. Without a place to wait in, weights do not matter. */
export function isTooHeavy(weight: number, capacity: number): boolean {
  return capacity > 0 && weight > capacity
}

/** Whether what waits may be put out for it. */
export function mayPutOut(strategy: ChannelSettings<unknown>['strategy'], weight: number, capacity: number): boolean {
  if (strategy === 'drop-newest' || strategy === 'fail') return false
  return capacity > 0 && !isTooHeavy(weight, capacity)
}

function tooHeavy(weight: number, capacity: number): OverflowError {
  return new OverflowError(`send: an item of weight ${weight} never fits into the capacity of ${capacity}`)
}
