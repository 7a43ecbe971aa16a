import { Observable, type OperatorFunction, type Subscriber, type Subscription } from 'rxjs'
import { Channel } from './channel.ts'
import type { ChannelOptions, LossReason, OverflowStrategy } from './channel-options.ts'
import { OverflowError } from './errors.ts'
import { checkFlatteningOptions, Flattening, type FlatteningOptions, type ItemGuard } from './flattening.ts'
import { Item } from './item.ts'
import { checkFunction, checkKeys, checkMethods } from './options.ts'
import { Overload, type OverloadPolicy } from './overload.ts'
import type { Project } from './project.ts'
import { type RandomSource, systemRandom } from './random.ts'

/** A change of what may wait and run; what is left out stays as it is. */
export interface ChannelLimits {
  /** Items (or, with `weight`, units) that may wait, 0 …. */
  readonly capacity?: number
  /** Slots, 1 … or `Infinity`. */
  readonly concurrency?: number
}

/** How much may wait and run, and what happens beyond. */
export interface BoundedBufferOptions<T>
  extends FlatteningOptions<T>, Pick<ChannelOptions<T>, 'priority' | 'weight' | 'ttlMs'> {
  /** Items (or, with `weight`, units) that may wait, 0 …; with 0 it is `exhaustMap` with `concurrency` slots. */
  readonly capacity: number
  /** Slots: items whose inner observable may run at once, 1 … or `Infinity`; default 1. */
  readonly concurrency?: number
  /**
   * What gives way when an item finds neither a slot nor room; default `'drop-newest'`: it does itself. `'fail'`
   * errors the output with `OverflowError`, aborts what runs and discards the rest.
   */
  readonly overflow?: OverflowStrategy<T>
  /** Sheds before the buffer is full, by how long items wait; default nothing does. */
  readonly overload?: OverloadPolicy<T>
  /** What a policy leaves to chance; default the platform's. */
  readonly random?: RandomSource
  /**
   * Changes capacity and concurrency while it runs. When one is lowered nothing is put out or aborted for it: the
   * figure only falls until it fits. Its error, and a limit out of range, error the output.
   */
  readonly limits$?: Observable<ChannelLimits>
}

const known = [
  'capacity',
  'concurrency',
  'overflow',
  'overload',
  'random',
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
  checkKeys('boundedBuffer', options, known)
  checkFlatteningOptions(project, options)
  const { limits$ } = options
  if (limits$ !== undefined) checkMethods<unknown>('limits$', limits$, 'an Observable', ['subscribe'])
  // A channel is made for each subscription; this one only checks the options now rather than then.
  createGuard(
    options,
    createChannel(options, () => undefined),
  )
  return (source) =>
    new Observable<R>((subscriber) => {
      const channel = createChannel(options, (item, reason) => {
        flattening.lost(item, reason)
      })
      const flattening = new Flattening<T, R, Item<T>>({
        project,
        options,
        subscriber,
        channel,
        guard: createGuard(options, channel),
        createItem: (value, arrivedAt) => new Item(value, arrivedAt),
        overflown: () => overflown(channel.capacity),
      })
      if (limits$ !== undefined) subscriber.add(heed(limits$, channel, subscriber))
      flattening.start(source)
    })
}

function createChannel<T>(
  options: BoundedBufferOptions<T>,
  onLost: (item: Item<T>, reason: LossReason) => void,
): Channel<Item<T>> {
  const { limits$: _, onSourceError, onOutcome, overflow, overload, random, priority, weight, ...same } = options
  return new Channel<Item<T>>({
    ...same,
    ...(overflow !== undefined && { overflow: ofItems(overflow) }),
    ...(priority !== undefined && { priority: ofItem(priority) }),
    ...(weight !== undefined && { weight: ofItem(weight) }),
    onLost,
  })
}

function createGuard<T>(
  { overload, random = systemRandom }: BoundedBufferOptions<T>,
  channel: Channel<Item<T>>,
): ItemGuard<Item<T>> | undefined {
  checkFunction('random', random)
  if (overload === undefined) return undefined
  const control = new Overload('overload', overload, random)
  return {
    reason: control.reason,
    refuses: ({ value }, now) => {
      const { size: ahead, running, concurrency } = channel
      return control.refuses(value, { ahead, running, concurrency }, now)
    },
    sheds: ({ value }, waitedMs, now) => control.sheds(value, waitedMs, now),
    ran: (ms) => {
      control.ran(ms)
    },
  }
}

function ofItems<T>(overflow: OverflowStrategy<T>): OverflowStrategy<Item<T>> {
  if (typeof overflow !== 'object') return overflow
  if (overflow.drop === 'lowest') return { ...overflow, priority: ofItem(overflow.priority) }
  const { drop, tenant, share } = overflow
  return { drop, tenant: ofItem(tenant), ...(share !== undefined && { share: ofItem(share) }) }
}

/** The user's function, asked of an item; what is no function is left for the channel to refuse. */
function ofItem<T, R>(fn: (value: T) => R): (item: Item<T>) => R {
  return typeof fn === 'function' ? ({ value }) => fn(value) : fn
}

function heed<T>(
  limits$: Observable<ChannelLimits>,
  channel: Channel<Item<T>>,
  subscriber: Subscriber<unknown>,
): Subscription {
  return limits$.subscribe({
    next: (limits) => {
      try {
        checkKeys('limits$', limits, ['capacity', 'concurrency'])
        if (limits.capacity !== undefined) channel.setCapacity(limits.capacity)
        if (limits.concurrency !== undefined) channel.setConcurrency(limits.concurrency)
      } catch (error) {
        subscriber.error(error)
      }
    },
    error: (error: unknown) => {
      subscriber.error(error)
    },
  })
}

function overflown(capacity: number): OverflowError {
  return new OverflowError(
    `boundedBuffer: more arrived than its capacity of ${capacity} lets wait, and overflow is "fail"`,
  )
}
