import { Observable, type OperatorFunction, type Subscriber } from 'rxjs'
import { checkedWeight } from './channel-options.ts'
import { checkClock, type Clock, systemClock } from './clock.ts'
import { createInput } from './create-input.ts'
import { ExpiryTimer } from './expiry-timer.ts'
import { type ItemOutcome, tellOutcome } from './item-outcome.ts'
import { type Linked, LinkedList } from './linked-list.ts'
import { checkFunction, checkInteger, checkKeys, checkNumber, checkOneOf } from './options.ts'
import { reportUnhandled } from './report-unhandled.ts'
import { RingBuffer } from './ring-buffer.ts'

/** When a batch is given. */
export interface BatchOptions<T> {
  /** Items (or, with `weight`, units) that a batch holds at most, 1 …. */
  readonly size: number
  /**
   * Units that an item takes up, finite and more than 0; default 1. What does not fit any more begins the next
   * batch; what weighs more than `size` is a batch of its own.
   */
  readonly weight?: (value: T) => number
  /** Milliseconds from a batch's first item until it is given as it is, 1 …; default no limit. */
  readonly timeoutMs?: number
  /** Batches are of one key each; anything that can be a key of a `Map`. Default all are of one. */
  readonly key?: (value: T) => unknown
  /** Batches that may be open at once with `key`, 1 … or `Infinity`; default 1024. For one more the oldest is given early. */
  readonly maxKeys?: number
  /** When the source errors: first give the open batches (`'drain'`, the default), or discard them and end at once. */
  readonly onSourceError?: 'drain' | 'immediate'
  /** Measures `timeoutMs` and the times of the outcomes; default the system's. */
  readonly clock?: Clock
  /**
   * Told of the end of each item, exactly once: `'completed'` when its batch has been given, `'discarded'` when the
   * output ended first, `'failed'` when its key or weight could not be told. What it throws is reported as unhandled.
   */
  readonly onOutcome?: (outcome: ItemOutcome<T>) => void
}

const known = ['size', 'weight', 'timeoutMs', 'key', 'maxKeys', 'onSourceError', 'clock', 'onOutcome'] as const

/**
 * Gathers items into arrays, in order, and gives each when it is full, when its time is up, and when the source
 * completes. With `key` each key has a batch of its own; batches that are given at the end come oldest first.
 *
 * Memory is bounded by `size` and `maxKeys`. An output that causes an input neither nests nor reorders. No timer is
 * left when nothing is open. An item whose `key` or `weight` throws fails alone: that is told to `onOutcome` or,
 * without one, reported as unhandled.
 *
 * @example
 * ```ts
 * import { interval, take } from 'rxjs'
 * import { batch } from 'spillway/operators'
 *
 * interval(40).pipe(take(8), batch({ size: 3, timeoutMs: 100 })).subscribe(console.log)
 * // [0, 1, 2], [3, 4, 5], [6, 7]
 * ```
 *
 * @throws RangeError or TypeError that names the option, its value and the allowed range.
 */
export function batch<T>(options: BatchOptions<T>): OperatorFunction<T, T[]> {
  const settings = checkOptions(options)
  return (source) =>
    new Observable<T[]>((subscriber) => {
      new Batching(settings, subscriber).start(source)
    })
}

interface BatchSettings<T> extends Required<Omit<BatchOptions<T>, 'onOutcome'>> {
  readonly onOutcome: ((outcome: ItemOutcome<T>) => void) | undefined
}

function checkOptions<T>(options: BatchOptions<T>): BatchSettings<T> {
  checkKeys('batch', options, known)
  const { key, maxKeys = 1024, weight, timeoutMs = Infinity, clock = systemClock, onOutcome } = options
  if (key === undefined && options.maxKeys !== undefined) {
    throw new TypeError('maxKeys must not be given without key: then one batch is open at most')
  }
  return {
    size: checkInteger('size', options.size, { min: 1 }),
    weight: weight === undefined ? () => 1 : checkedWeight(weight),
    timeoutMs: checkNumber('timeoutMs', timeoutMs, { min: 1, max: Infinity }),
    key: key === undefined ? () => undefined : checkFunction('key', key),
    maxKeys: checkInteger('maxKeys', maxKeys, { min: 1, max: Infinity }),
    onSourceError: checkOneOf('onSourceError', options.onSourceError ?? 'drain', ['drain', 'immediate']),
    clock: checkClock('clock', clock),
    onOutcome: onOutcome === undefined ? undefined : checkFunction('onOutcome', onOutcome),
  }
}

/** What is gathered for one key. */
class Batch<T> implements Linked {
  readonly key: unknown
  readonly dueAt: number
  readonly values: T[] = []
  /** When each of the values came; empty without an observer. */
  readonly arrivals: number[] = []
  load = 0
  next: this | undefined = undefined
  previous: this | undefined = undefined
  listed = false

  constructor(key: unknown, dueAt: number) {
    this.key = key
    this.dueAt = dueAt
  }
}

/** One subscription: the open batches, those that are about to be given, and how the source ended. */
class Batching<T> {
  private readonly settings: BatchSettings<T>
  private readonly subscriber: Subscriber<T[]>
  private readonly input: Subscriber<T>
  private readonly open = new Map<unknown, Batch<T>>()
  /** The open ones, the oldest first: as each has the same time, that is also the order in which they are due. */
  private readonly byAge = new LinkedList<Batch<T>>()
  private readonly closed = new RingBuffer<Batch<T>>()
  private readonly timer: ExpiryTimer
  private giving = false
  private finish: (() => void) | undefined

  constructor(settings: BatchSettings<T>, subscriber: Subscriber<T[]>) {
    this.settings = settings
    this.subscriber = subscriber
    this.timer = new ExpiryTimer(settings.clock, () => {
      const now = settings.clock.now()
      while (this.nextDue <= now) this.closeOldest()
      this.give()
    })
    this.input = createInput({
      output: subscriber,
      onSourceError: settings.onSourceError,
      next: (value: T) => {
        this.arrive(value)
      },
      end: (finish, atOnce) => {
        this.end(finish, atOnce)
      },
    })
    subscriber.add(() => {
      this.stop()
    })
  }

  start(source: Observable<T>): void {
    if (!this.input.closed) source.subscribe(this.input)
  }

  private arrive(value: T): void {
    const { key: keyOf, weight: weightOf, size, maxKeys } = this.settings
    let key: unknown
    let weight: number
    try {
      key = keyOf(value)
      weight = weightOf(value)
    } catch (error) {
      this.fail(value, error)
      return
    }
    if (this.subscriber.closed) {
      // Its key or weight was told by ending the output.
      this.report('discarded', [value], [this.settings.clock.now()])
      return
    }
    let batch = this.open.get(key)
    if (batch !== undefined && batch.load + weight > size) {
      this.close(batch)
      batch = undefined
    }
    if (batch === undefined) {
      if (this.open.size >= maxKeys) this.closeOldest()
      batch = this.begin(key)
    }
    batch.values.push(value)
    batch.load += weight
    if (this.settings.onOutcome !== undefined) batch.arrivals.push(this.settings.clock.now())
    if (batch.load >= size) this.close(batch)
    this.give()
  }

  private begin(key: unknown): Batch<T> {
    const { clock, timeoutMs } = this.settings
    const batch = new Batch<T>(key, timeoutMs === Infinity ? Infinity : clock.now() + timeoutMs)
    this.open.set(key, batch)
    this.byAge.add(batch)
    return batch
  }

  /** Nothing more comes into it; it is given at the next `give`. */
  private close(batch: Batch<T>): void {
    this.open.delete(batch.key)
    this.byAge.delete(batch)
    this.closed.push(batch)
  }

  /** One must be open. */
  private closeOldest(): void {
    this.close(this.byAge.first as Batch<T>)
  }

  private closeAll(): void {
    while (this.byAge.size > 0) this.closeOldest()
  }

  /** Gives what is closed; within an output nothing, because the outermost call does when it returns. */
  private give(): void {
    this.timer.watch(this.nextDue)
    if (this.giving) return
    this.giving = true
    for (let batch = this.closed.shift(); batch !== undefined; batch = this.closed.shift()) {
      // The array is the subscriber's from now on, which may change it.
      const values = this.settings.onOutcome === undefined ? [] : [...batch.values]
      this.subscriber.next(batch.values)
      this.report('completed', values, batch.arrivals)
    }
    this.giving = false
    this.finish?.()
  }

  private end(finish: () => void, atOnce: boolean): void {
    if (atOnce) {
      finish()
      return
    }
    this.finish = finish
    this.closeAll()
    this.give()
  }

  /** Discards what has not been given, and reports it. */
  private stop(): void {
    this.input.unsubscribe()
    this.closeAll()
    this.timer.watch(Infinity)
    for (let batch = this.closed.shift(); batch !== undefined; batch = this.closed.shift()) {
      this.report('discarded', batch.values, batch.arrivals)
    }
  }

  private report(kind: 'completed' | 'discarded', values: readonly T[], arrivals: readonly number[]): void {
    const { onOutcome, clock } = this.settings
    if (onOutcome === undefined) return
    const now = clock.now()
    values.forEach((value, index) => {
      tellOutcome(onOutcome, { kind, value, waitedMs: now - (arrivals[index] as number), ranMs: 0 })
    })
  }

  /** Its key or weight could not be told. */
  private fail(value: T, error: unknown): void {
    const { onOutcome } = this.settings
    if (onOutcome === undefined) reportUnhandled(error)
    else tellOutcome(onOutcome, { kind: 'failed', value, error, waitedMs: 0, ranMs: 0 })
  }

  private get nextDue(): number {
    return this.byAge.first?.dueAt ?? Infinity
  }
}
