import { type MonoTypeOperatorFunction, Observable, type Subscriber } from 'rxjs'
import { checkedWeight } from './channel-options.ts'
import { checkClock, type Clock, systemClock, type TimerHandle } from './clock.ts'
import { createInput } from './create-input.ts'
import { Gcra, type RateLimit } from './gcra.ts'
import { type ItemOutcome, tellOutcome } from './item-outcome.ts'
import { checkFunction, checkInteger, checkKeys, checkOneOf } from './options.ts'
import { type RateItem, RateLanes } from './rate-lanes.ts'
import { RingBuffer } from './ring-buffer.ts'

/** How much may pass, and what becomes of the rest. */
export interface RateLimitOptions<T> extends RateLimit {
  /** Units of the limit that an item costs, finite and more than 0; default 1. Whole ones are counted exactly. */
  readonly weight?: (value: T) => number
  /** Gives each key, compared as in a `Map`, a limit of its own; default one for all. */
  readonly key?: (value: T) => unknown
  /** Items (or, with `weight`, units) that may wait for their time, 0 …; default 0: what cannot pass is shed. */
  readonly capacity?: number
  /** Of these, how many may be of one key; default all of them. */
  readonly perKeyCapacity?: number
  /** When the source errors: first let pass what waits (`'drain'`, the default), or end at once. */
  readonly onSourceError?: 'drain' | 'immediate'
  /** Default the system's. */
  readonly clock?: Clock
  /** Told of the end of each item, exactly once; what it throws is reported as unhandled. */
  readonly onOutcome?: (outcome: ItemOutcome<T>) => void
}

const known = [
  'rate',
  'perMs',
  'burst',
  'weight',
  'key',
  'capacity',
  'perKeyCapacity',
  'onSourceError',
  'clock',
  'onOutcome',
] as const

/**
 * Lets at most `burst + rate · W / perMs` items pass in any window of W milliseconds. An item over the limit waits
 * for its time, in order of arrival, while there is room; otherwise it is shed with the reason `'rate'` and
 * `retryAfterMs`, and the limit is as if it had never come. One that is heavier than the burst can never pass and
 * is shed as `'too-large'`.
 *
 * What keeps to the limit is never refused or delayed. Each subscription has limits of its own; a key that has
 * been quiet long enough for its burst to be whole again is forgotten. When the source completes, what waits still
 * passes at its time, then the output completes. Unsubscribing discards what waits, and reports it.
 *
 * @example
 * ```ts
 * requests$.pipe(
 *   rateLimit({ rate: 5, perMs: 1000, burst: 10, key: ({ user }) => user, onOutcome: (o) => count(o.kind) }),
 * )
 * ```
 *
 * @throws RangeError or TypeError that names the option, its value and the allowed range.
 * @see Gcra for the algorithm and its sources
 */
export function rateLimit<T>(options: RateLimitOptions<T>): MonoTypeOperatorFunction<T> {
  const settings = checkOptions(options)
  return (source) =>
    new Observable<T>((subscriber) => {
      const limiting = new Limiting(settings, subscriber)
      subscriber.add(() => {
        limiting.stop()
      })
      limiting.start(source)
    })
}

type Settings<T> = Required<Omit<RateLimitOptions<T>, 'onOutcome'>> & Pick<RateLimitOptions<T>, 'onOutcome'>

function checkOptions<T>(options: RateLimitOptions<T>): Settings<T> {
  checkKeys('rateLimit', options, known)
  const { rate, perMs = 1000, burst = 1, capacity = 0, onOutcome } = options
  // A limit is made for each key; this one only checks the options now rather than then.
  new Gcra({ rate, perMs, burst })
  return {
    rate,
    perMs,
    burst,
    weight: options.weight === undefined ? () => 1 : checkedWeight(options.weight),
    key: checkFunction('key', options.key ?? (() => undefined)),
    capacity: checkInteger('capacity', capacity, { max: Infinity }),
    perKeyCapacity: checkInteger('perKeyCapacity', options.perKeyCapacity ?? capacity, { max: Infinity }),
    onSourceError: checkOneOf('onSourceError', options.onSourceError ?? 'drain', ['drain', 'immediate']),
    clock: checkClock('clock', options.clock ?? systemClock),
    ...(onOutcome !== undefined && { onOutcome: checkFunction('onOutcome', onOutcome) }),
  }
}

interface Item<T> extends RateItem {
  readonly value: T
  readonly arrivedAt: number
}

/** One subscription's limits, what waits, and how the source ended. */
class Limiting<T> {
  private readonly settings: Settings<T>
  private readonly subscriber: Subscriber<T>
  private readonly lanes: RateLanes<Item<T>>
  private readonly input: Subscriber<T>
  /** They have passed, and are about to be given to the subscriber. */
  private readonly passed = new RingBuffer<Item<T>>()
  private arrivals = 0
  private giving = false
  private finish: (() => void) | undefined
  private timer: TimerHandle
  /** When the timer fires; `Infinity` when there is none. */
  private wakeAt = Infinity

  constructor(settings: Settings<T>, subscriber: Subscriber<T>) {
    this.settings = settings
    this.subscriber = subscriber
    this.lanes = new RateLanes(settings)
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
  }

  start(source: Observable<T>): void {
    source.subscribe(this.input)
  }

  /** Discards what waits, and reports it. */
  stop(): void {
    this.input.unsubscribe()
    this.sleep()
    const unfinished: Item<T>[] = []
    for (let item = this.passed.shift(); item !== undefined; item = this.passed.shift()) unfinished.push(item)
    for (const item of unfinished.concat(this.lanes.discard())) this.report({ kind: 'discarded' }, item)
  }

  private arrive(value: T): void {
    const now = this.settings.clock.now()
    // What has become due by now is before what arrives.
    this.takeDue(now)
    const item = { value, index: this.arrivals++, weight: 1, arrivedAt: now }
    let key: unknown
    try {
      item.weight = this.settings.weight(value)
      key = this.settings.key(value)
    } catch (error) {
      this.report({ kind: 'failed', error }, item)
      return
    }
    if (this.subscriber.closed) {
      this.report({ kind: 'discarded' }, item)
      return
    }
    const retryAfterMs = this.lanes.offer(key, item, now)
    if (retryAfterMs === 0) this.passed.push(item)
    else if (retryAfterMs === Infinity) this.report({ kind: 'shed', reason: 'too-large' }, item)
    else if (retryAfterMs > 0) this.report({ kind: 'shed', reason: 'rate', retryAfterMs }, item)
    this.give()
  }

  private takeDue(now: number): void {
    for (let item = this.lanes.takeDue(now); item !== undefined; item = this.lanes.takeDue(now)) this.passed.push(item)
  }

  /** Gives what has passed, in order; within the taking of another item nothing, as the outermost call goes on. */
  private give(): void {
    if (this.giving) return
    this.giving = true
    for (let item = this.passed.shift(); item !== undefined; item = this.passed.shift()) {
      this.subscriber.next(item.value)
      this.report({ kind: 'completed' }, item)
    }
    this.giving = false
    this.watch()
    if (this.finish !== undefined && this.lanes.nextDue === Infinity) this.finish()
  }

  /** Sets the timer for the first that waits. */
  private watch(): void {
    const { clock } = this.settings
    const { nextDue } = this.lanes
    // One that is too early is let be, and looks again.
    if (nextDue >= this.wakeAt) return
    this.sleep()
    this.wakeAt = nextDue
    this.timer = clock.setTimeout(() => {
      this.wakeAt = Infinity
      this.takeDue(clock.now())
      this.give()
    }, nextDue - clock.now())
  }

  private sleep(): void {
    if (this.wakeAt !== Infinity) this.settings.clock.clearTimeout(this.timer)
    this.wakeAt = Infinity
  }

  private end(finish: () => void, atOnce: boolean): void {
    this.finish = finish
    if (atOnce) finish()
    else this.give()
  }

  private report(end: Pick<ItemOutcome<T>, 'kind' | 'reason' | 'retryAfterMs' | 'error'>, item: Item<T>): void {
    const { onOutcome, clock } = this.settings
    if (onOutcome === undefined) return
    tellOutcome(onOutcome, { ...end, value: item.value, waitedMs: clock.now() - item.arrivedAt, ranMs: 0 })
  }
}
