import fc from 'fast-check'
import { type ObservableInput, Subject, type Subscription } from 'rxjs'
import { expect } from 'vitest'
import {
  boundedBuffer,
  type BoundedBufferOptions,
  type ItemOutcome,
  type ChannelLimits,
  OverflowError,
  type ProjectContext,
} from '../../operators/index.ts'
import { VirtualClock } from '../../src/testing/index.ts'
import { doWork, failing, ItemError, type Output, outputsOf, type Work } from './work.ts'

/** What a watched buffer is made of. Priorities and weights are those of the items, by turns. */
export interface WatchedLimits {
  readonly capacity: number
  readonly concurrency: number
  readonly overflow: 'drop-newest' | 'drop-oldest' | 'drop-lowest' | 'fail'
  readonly priorities: readonly number[]
  readonly weights: readonly number[]
  readonly ttlMs: number
}

export const anyLimits: fc.Arbitrary<WatchedLimits> = fc.record({
  capacity: fc.oneof(
    { weight: 9, arbitrary: fc.integer({ min: 0, max: 4 }) },
    { weight: 1, arbitrary: fc.constant(Infinity) },
  ),
  concurrency: fc.constantFrom(1, 1, 2, 3, Infinity),
  overflow: fc.constantFrom('drop-newest', 'drop-oldest', 'drop-lowest', 'fail'),
  priorities: fc.oneof(fc.constant([0]), fc.array(fc.nat({ max: 2 }), { minLength: 1, maxLength: 5 })),
  weights: fc.oneof(fc.constant([1]), fc.array(fc.constantFrom(0.5, 1, 2, 3), { minLength: 1, maxLength: 5 })),
  ttlMs: fc.constantFrom(Infinity, Infinity, 1, 12),
})

/**
 * A bounded buffer on the virtual clock that is fed item by item. From its outcomes and starts it is known
 * at each moment what waits and what runs, and each arrival is held to what the contract says of it.
 */
export class WatchedBuffer {
  readonly clock: VirtualClock = new VirtualClock()
  readonly outcomes: Map<number, ItemOutcome<number>> = new Map()
  readonly outputs: Output[] = []
  readonly started: number[] = []
  readonly signals: Map<number, AbortSignal> = new Map()
  /** What the subscriber was told of the end. */
  readonly endings: unknown[] = []
  readonly sourceError: Error = new Error('source')
  private readonly limits: WatchedLimits
  private readonly limits$ = new Subject<ChannelLimits>()
  private capacity: number
  private concurrency: number
  private readonly works: readonly Work[]
  private readonly contexts = new Map<number, ProjectContext>()
  private readonly arrivedAt = new Map<number, number>()
  private readonly startedAt = new Map<number, number>()
  private waiting: number[] = []
  private readonly running = new Set<number>()
  private readonly source$ = new Subject<number>()
  private readonly subscription: Subscription
  private muted = false
  private lastLoad = 0
  private lastRunning = 0
  /** What callbacks found wrong: thrown there, it would be taken for a failure of theirs. */
  private readonly faults: unknown[] = []

  constructor(works: readonly Work[], limits: WatchedLimits, onSourceError: 'drain' | 'immediate') {
    this.works = works
    this.limits = limits
    this.capacity = limits.capacity
    this.concurrency = limits.concurrency
    const onOutcome = (outcome: ItemOutcome<number>): void => {
      try {
        this.settled(outcome)
      } catch (fault) {
        this.faults.push(fault)
      }
    }
    this.subscription = this.source$
      .pipe(
        boundedBuffer((item, index, context) => this.project(item, index, context), {
          ...optionsOf(limits),
          limits$: this.limits$,
          onSourceError,
          onOutcome,
          clock: this.clock,
        }),
      )
      .subscribe({
        next: (output) => {
          if (this.muted) this.faults.push('an output after the end')
          this.outputs.push(output)
        },
        error: (error: unknown) => this.endings.push(error),
        complete: () => this.endings.push('complete'),
      })
  }

  /** It was given more than it may hold, and may lose nothing. */
  get hasFailed(): boolean {
    return this.endings[0] instanceof OverflowError
  }

  get idle(): boolean {
    return this.waiting.length === 0 && this.running.size === 0
  }

  get sourceIsObserved(): boolean {
    return this.source$.observed
  }

  /** What waited and ran when it was asked. */
  get unfinished(): readonly number[] {
    return [...this.waiting, ...this.running]
  }

  /** Changes what may wait and run. */
  change(limits: ChannelLimits): void {
    this.capacity = limits.capacity ?? this.capacity
    this.concurrency = limits.concurrency ?? this.concurrency
    this.limits$.next(limits)
  }

  /** An item arrives; what the contract says of that very call is checked (its invariants 3 and 4). */
  arrive(item: number): void {
    const { capacity, concurrency } = this
    const { overflow } = this.limits
    const slotIsFree = this.running.size < concurrency
    const before = this.waiting
    const [load, weight] = [this.load, this.weightOf(item)]
    const fits = capacity > 0 && load + weight <= capacity
    const tooLarge = capacity > 0 && weight > capacity
    this.arrivedAt.set(item, this.clock.now())
    if (!slotIsFree) this.waiting = [...before, item]
    this.source$.next(item)
    const lost = before.filter((other) => this.outcomes.has(other) && !this.startedAt.has(other))
    if (slotIsFree) {
      expect(this.startedAt.has(item), `${item} starts in that very call`).toBe(true)
    } else if (fits) {
      expect(this.outcomes.has(item), `${item} waits`).toBe(false)
      expect(lost).toEqual([])
    } else if (overflow === 'fail' && capacity > 0) {
      this.isShed(item, tooLarge ? 'too-large' : 'full')
      expect(this.hasFailed).toBe(true)
      expect(this.idle).toBe(true)
    } else if (tooLarge || capacity === 0 || overflow === 'drop-newest') {
      this.isShed(item, tooLarge ? 'too-large' : 'full')
      expect(lost).toEqual([])
    } else if (overflow === 'drop-oldest') {
      this.gaveWay(item, lost, before)
    } else {
      const lower = before.filter((other) => this.priorityOf(other) < this.priorityOf(item))
      // The lowest first, and of these the newest.
      const inOrder = lower.toReversed().toSorted((a, b) => this.priorityOf(a) - this.priorityOf(b))
      const least = load + weight - this.weigh(lower)
      if (lower.length > 0 && least <= Math.max(capacity, load)) {
        this.gaveWay(item, lost, inOrder)
      } else {
        this.isShed(item, 'full')
        expect(lost).toEqual([])
      }
    }
    this.keepsItsBounds()
  }

  /** What must hold whenever no call is under way. */
  keepsItsBounds(): void {
    expect(this.faults).toEqual([])
    const { capacity, concurrency, load } = this
    if (load > capacity) expect(load, 'only falls').toBeLessThanOrEqual(this.lastLoad)
    if (this.running.size > concurrency) expect(this.running.size, 'only falls').toBeLessThanOrEqual(this.lastRunning)
    this.lastLoad = load
    this.lastRunning = this.running.size
    expect(this.waiting.length > 0 && this.running.size < concurrency, 'waits beside a free slot').toBe(false)
  }

  complete(): void {
    this.source$.complete()
  }

  error(): void {
    this.source$.error(this.sourceError)
  }

  unsubscribe(): void {
    this.muted = true
    this.subscription.unsubscribe()
  }

  /** After the end: one outcome for each item, as its work says, and nothing is left. */
  isOver(): void {
    expect(this.faults).toEqual([])
    expect([...this.outcomes.keys()].toSorted((a, b) => a - b)).toEqual([...this.arrivedAt.keys()])
    expect(this.sourceIsObserved).toBe(false)
    expect(this.clock.pending, 'timers').toBe(0)
    for (const [item, { kind, error }] of this.outcomes) {
      const work = this.works[item]!
      const given = this.outputs.filter((output) => output.item === item)
      const started = this.startedAt.has(item)
      expect(given.map(({ part }) => part)).toEqual(given.map((_, part) => part))
      if (kind === 'completed') expect(failing.has(work.kind) || work.kind === 'never ends').toBe(false)
      if (kind === 'failed') expect(failing.has(work.kind)).toBe(true)
      if (kind === 'failed') expect(error).toBeInstanceOf(work.kind === 'is no input' ? TypeError : ItemError)
      if (kind === 'failed' && error instanceof ItemError) expect(error.item).toBe(item)
      if (kind === 'completed' || kind === 'failed') expect(given.length).toBe(outputsOf(work))
      if (kind === 'shed') expect(started).toBe(false)
      // Read for the first time only now: that comes to the same.
      if (started) expect(this.contexts.get(item)!.signal.aborted).toBe(kind === 'discarded')
      expect(this.signals.get(item)?.aborted ?? kind === 'discarded').toBe(kind === 'discarded')
    }
  }

  private project(item: number, index: number, context: ProjectContext): ObservableInput<Output> {
    expect(index).toBe(this.started.length)
    this.started.push(item)
    this.contexts.set(item, context)
    // Of every second one the signal is not read while it runs.
    if (item % 2 === 0) this.signals.set(item, context.signal)
    this.startedAt.set(item, this.clock.now())
    this.waiting = this.waiting.filter((other) => other !== item)
    this.running.add(item)
    expect(this.running.size).toBeLessThanOrEqual(this.concurrency)
    expect(this.clock.now() - this.arrivedAt.get(item)!, 'has not expired').toBeLessThan(this.limits.ttlMs)
    const overtaken = this.waiting.filter((other) => this.rank(other) < this.rank(item))
    expect(overtaken, `${item} overtakes`).toEqual([])
    return doWork(this.works[item]!, item, this.clock)
  }

  private settled(outcome: ItemOutcome<number>): void {
    const { value: item, kind, waitedMs, ranMs } = outcome
    expect(this.outcomes.has(item), `a second outcome of ${item}`).toBe(false)
    this.outcomes.set(item, outcome)
    this.waiting = this.waiting.filter((other) => other !== item)
    this.running.delete(item)
    const startedAt = this.startedAt.get(item)
    const now = this.clock.now()
    expect(waitedMs).toBe((startedAt ?? now) - this.arrivedAt.get(item)!)
    expect(ranMs).toBe(startedAt === undefined ? 0 : now - startedAt)
    if (kind === 'expired') expect(waitedMs).toBe(this.limits.ttlMs)
    expect('reason' in outcome).toBe(kind === 'shed')
    expect('error' in outcome).toBe(kind === 'failed')
  }

  /** Smaller starts first. */
  private rank(item: number): number {
    return -1000 * this.priorityOf(item) + item
  }

  private get load(): number {
    return this.weigh(this.waiting)
  }

  private weigh(items: readonly number[]): number {
    return items.reduce((sum, item) => sum + this.weightOf(item), 0)
  }

  private weightOf(item: number): number {
    return byTurns(this.limits.weights, item)
  }

  private priorityOf(item: number): number {
    return byTurns(this.limits.priorities, item)
  }

  /** The newcomer waits, and as many as needed were put out for it, in this order. */
  private gaveWay(item: number, lost: readonly number[], line: readonly number[]): void {
    expect(this.outcomes.has(item), `${item} waits`).toBe(false)
    for (const other of lost) this.isShed(other, 'evicted')
    const evicted = line.slice(0, lost.length)
    expect(lost.toSorted()).toEqual(evicted.toSorted())
    const last = evicted.at(-1)
    // Without the last it would not have been enough.
    expect(last !== undefined && this.load + this.weightOf(last) > this.capacity).toBe(true)
  }

  private isShed(item: number, reason: 'full' | 'evicted' | 'too-large'): void {
    expect(this.outcomes.get(item)).toMatchObject({ kind: 'shed', reason })
  }
}

function byTurns(figures: readonly number[], item: number): number {
  return figures[item % figures.length]!
}

function optionsOf({ overflow, priorities, weights, ...same }: WatchedLimits): BoundedBufferOptions<number> {
  const priority = (item: number): number => byTurns(priorities, item)
  return {
    ...same,
    ...(overflow === 'drop-lowest' ? { overflow: { drop: 'lowest', priority } } : { overflow }),
    ...(overflow !== 'drop-lowest' && priorities.some((figure) => figure !== 0) && { priority }),
    ...(weights.some((figure) => figure !== 1) && { weight: (item: number) => byTurns(weights, item) }),
  }
}
