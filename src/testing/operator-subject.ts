import * as fc from 'fast-check'
import type { Observable, ObservableInput, OperatorFunction } from 'rxjs'
import {
  type BoundedBufferOptions,
  type ChannelLimits,
  Channel,
  checkFunction,
  checkInteger,
  checkKeys,
  checkOneOf,
  type ItemOutcome,
  keyed,
  type KeyedOptions,
} from '../../operators/index.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** What a workload consists of. */
export interface Item {
  /** 0, 1, 2 … in the order of arrival. */
  readonly id: number
  /** 0 … 2, higher matters more. */
  readonly priority: number
  /** Units of a capacity. */
  readonly weight: number
  readonly key: string
}

/** What the operator under test is made of; all but `project` may be left unused where it has no such thing. */
export interface OperatorParts {
  /** The work on one item: what it does is part of the scenario. */
  readonly project: (item: Item, index?: number, context?: { readonly signal: AbortSignal }) => ObservableInput<unknown>
  /** The limits of this run. */
  readonly limits: OperatorLimits
  readonly clock: VirtualClock
  /** To be told of the end of each item, exactly once. */
  readonly onOutcome: (outcome: ItemOutcome<Item>) => void
  /** Changes of the limits while it runs: none are made unless it is subscribed, nor where there is a `key`. */
  readonly limits$: Observable<ChannelLimits>
}

/**
 * The limits that an operator claims, about items of the kit: the options of `boundedBuffer`, or, with a `key`, those
 * of `keyed`, which knows neither `priority` nor `weight`.
 */
export interface OperatorLimits
  extends
    Pick<
      BoundedBufferOptions<Item>,
      'capacity' | 'concurrency' | 'overflow' | 'priority' | 'weight' | 'ttlMs' | 'onSourceError'
    >,
    Partial<Pick<KeyedOptions<Item>, 'key' | 'perKeyCapacity' | 'perKeyConcurrency'>> {}

/** An operator to check, made by `operator()`. */
export class OperatorSubject {
  /** Makes the operator, once for each run. */
  readonly create: (parts: OperatorParts) => OperatorFunction<Item, unknown>
  readonly limits: fc.Arbitrary<OperatorLimits>

  /** See `operator`. */
  constructor(create: OperatorSubject['create'], limits: fc.Arbitrary<OperatorLimits>) {
    this.create = create
    this.limits = limits
  }
}

/**
 * An operator and the limits that it claims, for `checkInvariants`. It is held to all that the contract says of
 * `boundedBuffer`: what it sheds, and when, what starts in which order, and what it tells. One that claims a `key` is
 * held to what `keyed` says: items of a key start in order, at most `perKeyConcurrency` at once, and keys do not wait
 * for each other while there are slots. Which key is next at a slot is its own affair.
 *
 * @param create Makes the operator out of the kit's parts.
 * @param limits Of every run; or an arbitrary, then `create` gets those of its run as `limits`.
 *
 * @example
 * ```ts
 * const limits = { capacity: 4, concurrency: 2 }
 * const subject = operator(({ project, clock, onOutcome }) => boundedBuffer(project, { ...limits, clock, onOutcome }), limits)
 * await checkInvariants(subject)
 *
 * const lanes = { key: ({ key }: Item) => key, perKeyCapacity: 2, capacity: Infinity }
 * await checkInvariants(operator(({ project, clock, onOutcome }) => keyed(project, { ...lanes, clock, onOutcome }), lanes))
 * ```
 *
 * @throws RangeError or TypeError that names the option, its value and the allowed range.
 */
export function operator(
  create: (parts: OperatorParts) => OperatorFunction<Item, unknown>,
  limits: OperatorLimits | fc.Arbitrary<OperatorLimits>,
): OperatorSubject {
  checkFunction('operator', create)
  if (limits instanceof fc.Arbitrary) return new OperatorSubject(create, limits)
  checkLimits(limits)
  return new OperatorSubject(create, fc.constant(limits))
}

const known = ['capacity', 'concurrency', 'overflow', 'priority', 'weight', 'ttlMs', 'onSourceError']
const ofKeyed = ['key', 'perKeyCapacity', 'perKeyConcurrency']

function checkLimits(limits: OperatorLimits): void {
  checkKeys(
    'operator',
    limits,
    (limits as OperatorLimits | undefined)?.key === undefined ? known : [...known, ...ofKeyed],
  )
  // What an operator refuses makes no sense as a claim, either.
  if (limits.key !== undefined) {
    checkInteger('capacity', limits.capacity, { max: Infinity })
    keyed(() => [], limits as KeyedOptions<Item>)
    return
  }
  const { onSourceError = 'drain', ...ofChannel } = limits
  checkOneOf('onSourceError', onSourceError, ['drain', 'immediate'])
  new Channel<Item>(ofChannel)
}
