import fc from 'fast-check'
import {
  concatWith,
  EMPTY,
  map,
  mergeMap,
  NEVER,
  type ObservableInput,
  of,
  Subject,
  type Subscription,
  take,
  throwError,
  timer,
} from 'rxjs'
import { expect } from 'vitest'
import {
  boundedBuffer,
  type BoundedBufferOptions,
  type ItemOutcome,
  type ProjectContext,
} from '../../operators/index.ts'
import { VirtualClock } from '../../src/testing/index.ts'

/** What a project does with an item. */
export type Work =
  | { readonly kind: 'of' | 'array' | 'timers'; readonly outputs: number; readonly everyMs: number }
  | { readonly kind: 'empty' | 'throws' | 'errors' | 'resolves' | 'rejects' | 'is no input' | 'never ends' }
  | { readonly kind: 'errors late'; readonly outputs: number; readonly everyMs: number }

export const anyWork: fc.Arbitrary<Work> = fc.oneof(
  fc.record({
    kind: fc.constantFrom(
      'of' as const,
      'array' as const,
      'timers' as const,
      'timers' as const,
      'errors late' as const,
    ),
    outputs: fc.integer({ min: 1, max: 3 }),
    everyMs: fc.integer({ min: 0, max: 20 }),
  }),
  fc.record({
    kind: fc.constantFrom('empty', 'throws', 'errors', 'resolves', 'rejects', 'is no input', 'never ends'),
  }) as fc.Arbitrary<Work>,
)

export interface Output {
  readonly item: number
  readonly part: number
}

class ItemError extends Error {
  readonly item: number

  constructor(item: number) {
    super(`item ${item}`)
    this.item = item
  }
}

/** The kinds of work whose end is a failure. */
const failing = new Set(['throws', 'errors', 'rejects', 'is no input', 'errors late'])

/** How many outputs work gives when it is left alone. */
function outputsOf(work: Work): number {
  if ('outputs' in work) return work.outputs
  return work.kind === 'resolves' ? 1 : 0
}

type Limits = Required<Pick<BoundedBufferOptions<number>, 'capacity' | 'concurrency' | 'overflow'>>

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
  private readonly limits: Limits
  private readonly works: readonly Work[]
  private readonly contexts = new Map<number, ProjectContext>()
  private readonly arrivedAt = new Map<number, number>()
  private readonly startedAt = new Map<number, number>()
  private waiting: number[] = []
  private readonly running = new Set<number>()
  private readonly source$ = new Subject<number>()
  private readonly subscription: Subscription
  private muted = false
  /** What callbacks found wrong: thrown there, it would be taken for a failure of theirs. */
  private readonly faults: unknown[] = []

  constructor(works: readonly Work[], limits: Limits, onSourceError: 'drain' | 'immediate') {
    this.works = works
    this.limits = limits
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
          ...limits,
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

  /** An item arrives; what the contract says of that very call is checked (its invariants 3 and 4). */
  arrive(item: number): void {
    const { capacity, concurrency, overflow } = this.limits
    const slotIsFree = this.running.size < concurrency
    const isFull = this.waiting.length === capacity
    const oldest = this.waiting[0]
    this.arrivedAt.set(item, this.clock.now())
    if (!slotIsFree && !isFull) this.waiting.push(item)
    if (!slotIsFree && isFull && overflow === 'drop-oldest' && capacity > 0) this.waiting.push(item)
    this.source$.next(item)
    if (slotIsFree) expect(this.startedAt.has(item), `${item} starts in that very call`).toBe(true)
    else if (!isFull) expect(this.outcomes.has(item), `${item} waits`).toBe(false)
    else if (overflow === 'drop-newest' || capacity === 0) this.isShed(item, 'full')
    else this.isShed(oldest!, 'evicted')
    this.keepsItsBounds()
  }

  /** What must hold whenever no call is under way. */
  keepsItsBounds(): void {
    expect(this.faults).toEqual([])
    const { capacity, concurrency } = this.limits
    expect(this.waiting.length).toBeLessThanOrEqual(capacity)
    expect(this.running.size).toBeLessThanOrEqual(concurrency)
    expect(this.waiting.length > 0 && this.running.size < concurrency, 'waits beside a free slot').toBe(false)
    const { started } = this
    expect(
      started.every((item, index) => index === 0 || item > started[index - 1]!),
      'starts are in order',
    ).toBe(true)
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
    expect(this.running.size).toBeLessThanOrEqual(this.limits.concurrency)
    return this.workOn(item)
  }

  private workOn(item: number): ObservableInput<Output> {
    const work = this.works[item]!
    const outputs = Array.from({ length: outputsOf(work) }, (_, part): Output => ({ item, part }))
    switch (work.kind) {
      case 'of':
        return of(...outputs)
      case 'array':
        return outputs
      case 'empty':
        return EMPTY
      case 'never ends':
        return NEVER
      case 'throws':
        throw new ItemError(item)
      case 'errors':
        return throwError(() => new ItemError(item))
      case 'resolves':
        return Promise.resolve(outputs[0]!)
      case 'rejects':
        return Promise.reject(new ItemError(item))
      case 'is no input':
        return 42 as unknown as ObservableInput<Output>
      case 'timers':
      case 'errors late': {
        const parts$ = timer(work.everyMs, work.everyMs, this.clock).pipe(
          take(outputs.length),
          map((part) => outputs[part]!),
        )
        if (work.kind === 'timers') return parts$
        return parts$.pipe(concatWith(timer(1, this.clock).pipe(mergeMap(() => throwError(() => new ItemError(item))))))
      }
    }
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
    expect('reason' in outcome).toBe(kind === 'shed')
    expect('error' in outcome).toBe(kind === 'failed')
  }

  private isShed(item: number, reason: 'full' | 'evicted'): void {
    expect(this.outcomes.get(item)).toMatchObject({ kind: 'shed', reason })
  }
}
