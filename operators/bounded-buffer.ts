import {
  from,
  isObservable,
  Observable,
  type ObservableInput,
  type Observer,
  type OperatorFunction,
  Subscriber,
  type Subscription,
} from 'rxjs'
import { Channel } from './channel.ts'
import type { ItemEnd } from './channel-books.ts'
import type { ChannelOptions, LossReason, OverflowStrategy } from './channel-options.ts'
import { type Clock, systemClock } from './clock.ts'
import { OverflowError } from './errors.ts'
import type { ItemOutcome, ShedReason } from './item-outcome.ts'
import { type Linked, LinkedList } from './linked-list.ts'
import { checkFunction, checkKeys, checkMethods, checkOneOf } from './options.ts'
import { reportUnhandled } from './report-unhandled.ts'

/** What is done with each item. What it throws, rejects with or errors with is that item's outcome alone. */
export type Project<T, R> = (value: T, index: number, context: ProjectContext) => ObservableInput<R>

/** What a project is told beside its value. */
export interface ProjectContext {
  /** Aborted when the output is unsubscribed or ends early; created when first read. */
  readonly signal: AbortSignal
}

/** A change of what may wait and run; what is left out stays as it is. */
export interface ChannelLimits {
  /** Items (or, with `weight`, units) that may wait, 0 …. */
  readonly capacity?: number
  /** Slots, 1 … or `Infinity`. */
  readonly concurrency?: number
}

/** How much may wait and run, and what happens beyond. */
export interface BoundedBufferOptions<T> extends Pick<ChannelOptions<T>, 'priority' | 'weight' | 'ttlMs'> {
  /** Items (or, with `weight`, units) that may wait, 0 …; with 0 it is `exhaustMap` with `concurrency` slots. */
  readonly capacity: number
  /** Slots: items whose inner observable may run at once, 1 … or `Infinity`; default 1. */
  readonly concurrency?: number
  /**
   * What gives way when an item finds neither a slot nor room; default `'drop-newest'`: it does itself. `'fail'`
   * errors the output with `OverflowError`, aborts what runs and discards the rest.
   */
  readonly overflow?: OverflowStrategy<T>
  /**
   * Changes capacity and concurrency while it runs. When one is lowered nothing is put out or aborted for it: the
   * figure only falls until it fits. Its error, and a limit out of range, error the output.
   */
  readonly limits$?: Observable<ChannelLimits>
  /** When the source errors: first finish what waits and runs (`'drain'`, the default), or end at once. */
  readonly onSourceError?: 'drain' | 'immediate'
  /** Measures `ttlMs` and the times of the outcomes; default the system's. */
  readonly clock?: Clock
  /** Told of the end of each item, exactly once; what it throws is reported as unhandled. */
  readonly onOutcome?: (outcome: ItemOutcome<T>) => void
}

const known = [
  'capacity',
  'concurrency',
  'overflow',
  'priority',
  'weight',
  'ttlMs',
  'limits$',
  'onSourceError',
  'clock',
  'onOutcome',
] as const

/**
 * Flattens like `mergeMap` with `concurrency` slots, but with a bounded buffer before them: what finds
 * neither a slot nor room is shed by the overflow strategy, and every item has exactly one outcome.
 *
 * A failing project fails its item, never the output. When the source completes, what waits is still run;
 * then the output completes. Unsubscribing aborts what runs, discards what waits, and reports both.
 *
 * @example
 * ```ts
 * clicks$.pipe(boundedBuffer((click) => save(click), { capacity: 10, onOutcome: console.log }))
 * ```
 *
 * @throws RangeError or TypeError that names the option, its value and the allowed range.
 * @see dropNewest for the default strategy by its name
 */
export function boundedBuffer<T, R>(project: Project<T, R>, options: BoundedBufferOptions<T>): OperatorFunction<T, R> {
  checkFunction('project', project)
  checkKeys('boundedBuffer', options, known)
  checkOneOf('onSourceError', options.onSourceError ?? 'drain', ['drain', 'immediate'])
  if (options.onOutcome !== undefined) checkFunction('onOutcome', options.onOutcome)
  if (options.limits$ !== undefined) checkMethods<unknown>('limits$', options.limits$, 'an Observable', ['subscribe'])
  // A channel is made for each subscription; this one only checks the options now rather than then.
  createChannel(options, () => undefined)
  return (source) =>
    new Observable<R>((subscriber) => {
      const buffer = new Buffering(project, options, subscriber)
      subscriber.add(() => {
        buffer.stop()
      })
      buffer.start(source)
    })
}

function createChannel<T>(
  options: BoundedBufferOptions<T>,
  onLost: (item: Item<T>, reason: LossReason) => void,
): Channel<Item<T>> {
  const { limits$: _, onSourceError, onOutcome, overflow, priority, weight, ...same } = options
  return new Channel<Item<T>>({
    ...same,
    ...(typeof overflow === 'object' && { overflow: { ...overflow, priority: ofItem(overflow.priority) } }),
    ...(typeof overflow === 'string' && { overflow }),
    ...(priority !== undefined && { priority: ofItem(priority) }),
    ...(weight !== undefined && { weight: ofItem(weight) }),
    onLost,
  })
}

/** The user's function, asked of an item; what is no function is left for the channel to refuse. */
function ofItem<T>(fn: (value: T) => number): (item: Item<T>) => number {
  return typeof fn === 'function' ? ({ value }) => fn(value) : fn
}

/** One item from its arrival to its end. */
class Item<T> implements ProjectContext, Linked {
  readonly value: T
  readonly arrivedAt: number
  startedAt = -1
  inner: Subscriber<unknown> | undefined
  next: this | undefined = undefined
  previous: this | undefined = undefined
  /** It runs. */
  listed = false
  private controller: AbortController | undefined
  private aborted = false

  constructor(value: T, arrivedAt: number) {
    this.value = value
    this.arrivedAt = arrivedAt
  }

  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController()
      if (this.aborted) this.controller.abort()
    }
    return this.controller.signal
  }

  abort(): void {
    this.aborted = true
    this.inner?.unsubscribe()
    this.controller?.abort()
  }
}

/** One subscription's engine: the channel, what runs, and how the source ended. */
class Buffering<T, R> {
  private readonly project: Project<T, R>
  private readonly options: BoundedBufferOptions<T>
  private readonly subscriber: Subscriber<R>
  private readonly clock: Clock
  private readonly channel: Channel<Item<T>>
  private readonly running = new LinkedList<Item<T>>()
  private readonly input: Subscriber<T>
  private index = 0
  private finish: (() => void) | undefined
  private settling = false

  constructor(project: Project<T, R>, options: BoundedBufferOptions<T>, subscriber: Subscriber<R>) {
    this.project = project
    this.options = options
    this.subscriber = subscriber
    this.clock = options.clock ?? systemClock
    this.channel = createChannel(options, (item, reason) => {
      this.lost(item, reason)
    })
    this.channel.consume((item) => {
      this.run(item)
    })
    this.input = createSubscriber({
      next: (value) => {
        this.arrive(new Item(value, this.now()))
      },
      error: (error) => {
        this.end(() => {
          this.subscriber.error(error)
        }, options.onSourceError === 'immediate')
      },
      complete: () => {
        this.end(() => {
          this.subscriber.complete()
        }, false)
      },
    })
  }

  start(source: Observable<T>): void {
    const { limits$ } = this.options
    if (limits$ !== undefined) this.subscriber.add(this.heed(limits$))
    if (!this.input.closed) source.subscribe(this.input)
  }

  /** Aborts what runs, discards what waits, and reports both. */
  stop(): void {
    this.input.unsubscribe()
    // What waits goes first, so that nothing starts in a slot that becomes free here.
    const waiting = this.channel.discard()
    const running = [...this.running]
    for (const item of waiting) this.report('discarded', item)
    for (const item of running) this.settle(item, 'discarded')
    for (const item of running) item.abort()
  }

  private heed(limits$: Observable<ChannelLimits>): Subscription {
    return limits$.subscribe({
      next: (limits) => {
        try {
          checkKeys('limits$', limits, ['capacity', 'concurrency'])
          if (limits.capacity !== undefined) this.channel.setCapacity(limits.capacity)
          if (limits.concurrency !== undefined) this.channel.setConcurrency(limits.concurrency)
        } catch (error) {
          this.subscriber.error(error)
        }
      },
      error: (error: unknown) => {
        this.subscriber.error(error)
      },
    })
  }

  private arrive(item: Item<T>): void {
    let verdict: 'accepted' | 'shed' | 'closed'
    try {
      verdict = this.channel.offer(item)
    } catch (error) {
      // Its weight or priority could not be told.
      this.report('failed', item, undefined, error)
      return
    }
    if (verdict === 'closed') this.report('discarded', item)
    else if (verdict === 'shed' && this.channel.closed) this.subscriber.error(overflown(this.channel.capacity))
  }

  /** The channel has lost an item that had not started. */
  private lost(item: Item<T>, reason: LossReason): void {
    if (reason === 'expired' || reason === 'discarded') this.report(reason, item)
    else this.report('shed', item, reason)
    if (!this.settling) this.finishIfIdle()
  }

  private finishIfIdle(): void {
    if (this.finish !== undefined && this.channel.idle) this.finish()
  }

  private end(finish: () => void, atOnce: boolean): void {
    this.finish = finish
    if (atOnce || this.channel.idle) finish()
  }

  private run(item: Item<T>): void {
    item.startedAt = this.now()
    this.running.add(item)
    const index = this.index++
    let input$: ObservableInput<R>
    let inner$: Observable<R>
    try {
      input$ = this.project(item.value, index, item)
      inner$ = from(input$)
    } catch (error) {
      this.settle(item, 'failed', error)
      return
    }
    const inner = createSubscriber<R>({
      next: (value) => {
        this.subscriber.next(value)
      },
      error: (error) => {
        this.settle(item, 'failed', error)
      },
      complete: () => {
        this.settle(item, 'completed')
      },
    })
    item.inner = inner
    if (!item.listed) {
      // The project itself unsubscribed the output. A promise must not be left alone with its rejection, though.
      inner.unsubscribe()
      if (isObservable(input$)) return
    }
    inner$.subscribe(inner)
  }

  private settle(item: Item<T>, end: Extract<ItemEnd, 'completed' | 'failed' | 'discarded'>, error?: unknown): void {
    if (!this.running.delete(item)) return
    // What expires meanwhile does not end the output: this item has not been reported yet.
    this.settling = true
    this.channel.release(end)
    this.settling = false
    this.report(end, item, undefined, error)
    this.channel.drain()
    this.finishIfIdle()
  }

  private report(kind: ItemOutcome<T>['kind'], item: Item<T>, reason?: ShedReason, error?: unknown): void {
    const { onOutcome } = this.options
    if (onOutcome === undefined) return
    const now = this.now()
    const started = item.startedAt >= 0
    const waitedMs = (started ? item.startedAt : now) - item.arrivedAt
    const ranMs = started ? now - item.startedAt : 0
    const times = { waitedMs, ranMs }
    const value = item.value
    try {
      if (kind === 'failed') onOutcome({ kind, value, error, ...times })
      else if (reason !== undefined) onOutcome({ kind, value, reason, ...times })
      else onOutcome({ kind, value, ...times })
    } catch (thrown) {
      reportUnhandled(thrown)
    }
  }

  /** Without an observer nobody reads the times, so none are taken. */
  private now(): number {
    return this.options.onOutcome === undefined ? 0 : this.clock.now()
  }
}

function overflown(capacity: number): OverflowError {
  return new OverflowError(
    `boundedBuffer: more arrived than its capacity of ${capacity} lets wait, and overflow is "fail"`,
  )
}

/** Exists before it is subscribed, so that what gives everything within that very call can be stopped in it. */
function createSubscriber<V>(observer: Observer<V>): Subscriber<V> {
  // The constructor is deprecated in favour of what only RxJS 8 has.
  // eslint-disable-next-line @typescript-eslint/no-deprecated
  return new Subscriber(observer)
}
