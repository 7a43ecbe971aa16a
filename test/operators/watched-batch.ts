import { Subject, type Subscription } from 'rxjs'
import { expect } from 'vitest'
import { batch, type BatchOptions, type ItemOutcome } from '../../operators/index.ts'
import { VirtualClock } from '../../src/testing/index.ts'
import { type Arrival, type BatchLimits, type Given, PlainBatch } from './plain-batch.ts'

/** `batch` on the virtual clock beside the plain one. */
export class WatchedBatch {
  readonly clock: VirtualClock = new VirtualClock()
  readonly given: Given[] = []
  readonly endings: unknown[] = []
  readonly outcomes: ItemOutcome<number>[] = []
  readonly arrivedAt: number[] = []
  readonly plain: PlainBatch
  private readonly source$ = new Subject<number>()
  private readonly subscription: Subscription

  constructor(arrivals: readonly Arrival[], limits: BatchLimits, onSourceError: 'drain' | 'immediate') {
    this.plain = new PlainBatch(arrivals, limits)
    const { size, timeoutMs, keyed, weighed, maxKeys } = limits
    const options: BatchOptions<number> = {
      size,
      timeoutMs,
      ...(keyed && { key: (item: number) => arrivals[item]!.key, maxKeys }),
      ...(weighed && { weight: (item: number) => arrivals[item]!.weight }),
      onSourceError,
      clock: this.clock,
      onOutcome: (outcome) => this.outcomes.push(outcome),
    }
    this.subscription = this.source$.pipe(batch(options)).subscribe({
      next: (items) => {
        this.given.push({ at: this.clock.now(), items: [...items] })
        // It is ours: nothing of the operator may hang on it any more.
        items.length = 0
      },
      error: (error: unknown) => this.endings.push(error),
      complete: () => this.endings.push('complete'),
    })
  }

  complete(): void {
    this.source$.complete()
  }

  error(error: Error): void {
    this.source$.error(error)
  }

  stop(): void {
    this.subscription.unsubscribe()
  }

  async feed(arrivals: readonly Arrival[]): Promise<void> {
    for (const [item, { afterMs }] of arrivals.entries()) {
      if (afterMs > 0) await this.clock.advance(afterMs)
      this.plain.pass(this.clock.now())
      this.arrivedAt.push(this.clock.now())
      this.source$.next(item)
      this.plain.arrive(item, this.clock.now())
      expect(this.given).toEqual(this.plain.given)
    }
  }

  /** Exactly one outcome for each item: completed what was given, discarded the rest. */
  isOver(): void {
    const completed = this.given.flatMap(({ at, items }) => items.map((item) => ({ kind: 'completed', item, at })))
    const given = new Set(completed.map(({ item }) => item))
    const now = this.clock.now()
    const discarded = this.arrivedAt
      .map((_, item) => ({ kind: 'discarded', item, at: now }))
      .filter(({ item }) => !given.has(item))
    const byItem = (a: { value: number }, b: { value: number }): number => a.value - b.value
    expect(this.outcomes.toSorted(byItem)).toEqual(
      [...completed, ...discarded]
        .map(({ kind, item, at }) => ({ kind, value: item, waitedMs: at - this.arrivedAt[item]!, ranMs: 0 }))
        .toSorted(byItem),
    )
    expect(this.clock.pending, 'timers').toBe(0)
    expect(this.source$.observed).toBe(false)
  }
}
