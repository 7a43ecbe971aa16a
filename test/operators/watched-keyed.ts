import { type ObservableInput, Subject, type Subscription } from 'rxjs'
import { expect } from 'vitest'
import { type ItemOutcome, keyed, OverflowError, type ProjectContext } from '../../operators/index.ts'
import { VirtualClock } from '../../src/testing/index.ts'
import type { KeyedLimits } from './plain-keyed.ts'
import { doWork, failing, type Output, outputsOf, type Work } from './work.ts'

export interface KeyedWork {
  readonly key: number
  readonly work: Work
}

/**
 * `keyed` on the virtual clock, fed item by item: its outcomes and starts are held to what it promises, in the very
 * call in which they come.
 */
export class WatchedKeyed {
  readonly clock: VirtualClock = new VirtualClock()
  readonly outcomes: Map<number, ItemOutcome<number>> = new Map()
  readonly outputs: Output[] = []
  readonly endings: unknown[] = []
  readonly sourceError: Error = new Error('source')
  private readonly works: readonly KeyedWork[]
  private readonly limits: KeyedLimits
  private readonly arrivedAt = new Map<number, number>()
  private readonly startedAt = new Map<number, number>()
  private readonly contexts = new Map<number, ProjectContext>()
  private waiting: number[] = []
  private running: number[] = []
  private readonly source$ = new Subject<number>()
  private readonly subscription: Subscription
  /** What callbacks found wrong: thrown there, it would be taken for a failure of theirs. */
  private readonly faults: unknown[] = []

  constructor(works: readonly KeyedWork[], limits: KeyedLimits, onSourceError: 'drain' | 'immediate') {
    this.works = works
    this.limits = limits
    const onOutcome = (outcome: ItemOutcome<number>): void => {
      this.check(() => {
        this.settled(outcome)
      })
    }
    this.subscription = this.source$
      .pipe(
        keyed((item, index, context) => this.project(item, index, context), {
          ...limits,
          key: (item) => works[item]!.key,
          onSourceError,
          onOutcome,
          clock: this.clock,
        }),
      )
      .subscribe({
        next: (output) => this.outputs.push(output),
        error: (error: unknown) => this.endings.push(error),
        complete: () => this.endings.push('complete'),
      })
  }

  get hasFailed(): boolean {
    return this.endings[0] instanceof OverflowError
  }

  get unfinished(): readonly number[] {
    return [...this.waiting, ...this.running]
  }

  get sourceIsObserved(): boolean {
    return this.source$.observed
  }

  arrive(item: number): void {
    const startsNow = this.running.length < this.limits.concurrency && this.mayStart(item)
    this.arrivedAt.set(item, this.clock.now())
    if (!startsNow) this.waiting.push(item)
    this.source$.next(item)
    if (startsNow) expect(this.startedAt.has(item), `${item} starts in that very call`).toBe(true)
    this.keepsItsBounds()
  }

  /** What must hold whenever no call is under way. */
  keepsItsBounds(): void {
    const { capacity, concurrency, perKeyCapacity } = this.limits
    expect(this.faults).toEqual([])
    expect(this.waiting.length).toBeLessThanOrEqual(capacity)
    for (const item of this.waiting) {
      expect(this.sameKey(item, this.waiting).length).toBeLessThanOrEqual(perKeyCapacity)
      const eligible = this.running.length < concurrency && this.mayStart(item)
      expect(eligible, `${item} waits beside a free slot`).toBe(false)
    }
  }

  complete(): void {
    this.source$.complete()
  }

  error(): void {
    this.source$.error(this.sourceError)
  }

  unsubscribe(): void {
    this.subscription.unsubscribe()
  }

  /** After the end: one outcome for each item, as its work says, and nothing is left. */
  isOver(): void {
    expect(this.faults).toEqual([])
    expect([...this.outcomes.keys()].toSorted((a, b) => a - b)).toEqual([...this.arrivedAt.keys()])
    expect(this.sourceIsObserved).toBe(false)
    expect(this.clock.pending, 'timers').toBe(0)
    for (const [item, { kind }] of this.outcomes) {
      const { work } = this.works[item]!
      if (kind === 'failed') expect(failing.has(work.kind)).toBe(true)
      if (kind === 'completed') expect(failing.has(work.kind) || work.kind === 'never ends').toBe(false)
      const given = this.outputs.filter((output) => output.item === item)
      if (kind === 'completed' || kind === 'failed') expect(given.length).toBe(outputsOf(work))
      const context = this.contexts.get(item)
      if (context !== undefined) expect(context.signal.aborted).toBe(kind === 'discarded')
    }
  }

  private check(assertions: () => void): void {
    try {
      assertions()
    } catch (fault) {
      this.faults.push(fault)
    }
  }

  private project(item: number, index: number, context: ProjectContext): ObservableInput<Output> {
    this.check(() => {
      expect(index).toBe(this.startedAt.size)
      expect(this.mayStart(item), `${item} starts beside as many of its key as may run`).toBe(true)
      const overtaken = this.sameKey(item, this.waiting).filter((other) => other < item)
      expect(overtaken, `${item} overtakes`).toEqual([])
      expect(this.clock.now() - this.arrivedAt.get(item)!, 'has not expired').toBeLessThan(this.limits.ttlMs)
    })
    this.contexts.set(item, context)
    this.startedAt.set(item, this.clock.now())
    this.waiting = this.waiting.filter((other) => other !== item)
    this.running.push(item)
    this.check(() => {
      expect(this.running.length).toBeLessThanOrEqual(this.limits.concurrency)
    })
    return doWork(this.works[item]!.work, item, this.clock)
  }

  private settled(outcome: ItemOutcome<number>): void {
    const { value: item, kind, reason, waitedMs, ranMs } = outcome
    expect(this.outcomes.has(item), `a second outcome of ${item}`).toBe(false)
    this.outcomes.set(item, outcome)
    this.waiting = this.waiting.filter((other) => other !== item)
    this.running = this.running.filter((other) => other !== item)
    const startedAt = this.startedAt.get(item)
    const now = this.clock.now()
    expect(waitedMs).toBe((startedAt ?? now) - this.arrivedAt.get(item)!)
    expect(ranMs).toBe(startedAt === undefined ? 0 : now - startedAt)
    if (kind === 'expired') expect(waitedMs).toBe(this.limits.ttlMs)
    if (kind === 'shed') expect(['full', 'evicted']).toContain(reason)
    if (kind === 'shed') expect(startedAt).toBe(undefined)
  }

  private mayStart(item: number): boolean {
    return this.sameKey(item, this.running).length < this.limits.perKeyConcurrency
  }

  private sameKey(item: number, items: readonly number[]): readonly number[] {
    return items.filter((other) => this.works[other]!.key === this.works[item]!.key)
  }
}
