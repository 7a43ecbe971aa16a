import { checkClock, type Clock, systemClock } from './clock.ts'
import type { ShedReason } from './item-outcome.ts'
import type { Ranking } from './ranked-line.ts'
import { checkFunction, checkInteger, checkKeys, checkNumber, checkOneOf, show } from './options.ts'

/**
 * What a full channel does with one item more. `'drop-newest'` sheds the one that arrives and never puts out
 * what waits. `'drop-oldest'` puts out as many of the oldest as the newcomer needs. `{ drop: 'lowest' }` puts out
 * what has a lower priority than the newcomer, the lowest and of these the newest first, and starts the highest
 * first. `'fail'` ends the channel, because nothing may be lost.
 */
export type OverflowStrategy<T> = 'drop-newest' | 'drop-oldest' | DropLowest<T> | 'fail'

/** The strategy that keeps what matters most. */
export interface DropLowest<T> {
  readonly drop: 'lowest'
  /** Asked once when the item arrives, and again if it is put back: any number, higher matters more. */
  readonly priority: (value: T) => number
}

/** Why a channel lost an item: it was shed as it arrived or put out later, waited too long, or the channel failed. */
export type LossReason = Extract<ShedReason, 'full' | 'too-large' | 'evicted'> | 'expired' | 'discarded'

/** How much may wait and run, and what happens beyond. */
export interface ChannelOptions<T> {
  /** Items (or, with `weight`, units) that may wait, 0 …; with 0 an item is accepted only when a slot is free. */
  readonly capacity: number
  /** Slots: items that its consumer may run at once, 1 … or `Infinity`; default 1. */
  readonly concurrency?: number
  /** Default `'drop-newest'`. With capacity 0 nothing waits that could give way: then each strategy acts as this one. */
  readonly overflow?: OverflowStrategy<T>
  /**
   * Starts what is higher first, and what is equal in order of arrival; default all are equal. `{ drop: 'lowest' }`
   * brings its own. Asked once when the item arrives, and again if it is put back.
   */
  readonly priority?: (value: T) => number
  /**
   * Units of the capacity that an item takes up while it waits, finite and more than 0; default 1. What weighs more
   * than the whole capacity starts if a slot is free and is otherwise shed as `'too-large'`. Asked once when the
   * item arrives, and again if it is put back.
   */
  readonly weight?: (value: T) => number
  /**
   * Whether an item may start; one that may not is held: it waits, whatever slots there are, is overtaken, and keeps its
   * place for when `free` says that it may. Asked when it is brought; what is put back may start. Default all may.
   */
  readonly mayStart?: (value: T) => boolean
  /** Milliseconds that an item may wait, 1 …; one that has waited so long expires. Default no limit. */
  readonly ttlMs?: number
  /** Callers that may wait in `send` at once, 0 …; default 1024. */
  readonly maxSenders?: number
  /** Measures `ttlMs`; default the system's. */
  readonly clock?: Clock
  /** Told of each item that the channel itself loses, once its books are done; must not throw. */
  readonly onLost?: (value: T, reason: LossReason) => void
  /** Told that there may be room again, once what was done is done; `accepts` says for what. Must not throw. */
  readonly onRoom?: () => void
}

/** A channel's options with the defaults filled in. */
export interface ChannelSettings<T> {
  readonly capacity: number
  readonly concurrency: number
  readonly strategy: 'drop-newest' | 'drop-oldest' | 'drop-lowest' | 'fail'
  /** Higher starts first; they throw when what they are given by the user is out of range. */
  readonly priority: (value: T) => number
  readonly weight: (value: T) => number
  readonly mayStart: (value: T) => boolean
  /** How items differ, if they do. */
  readonly ranking: Ranking | undefined
  /** `Infinity` without a limit. */
  readonly ttlMs: number
  readonly maxSenders: number
  readonly clock: Clock
  readonly onLost: ((value: T, reason: LossReason) => void) | undefined
  readonly onRoom: (() => void) | undefined
}

const known = [
  'capacity',
  'concurrency',
  'overflow',
  'priority',
  'weight',
  'mayStart',
  'ttlMs',
  'maxSenders',
  'clock',
  'onLost',
  'onRoom',
] as const

/** @throws RangeError or TypeError that names the option, its value and the allowed range. */
export function checkChannelOptions<T>(options: ChannelOptions<T>): ChannelSettings<T> {
  checkKeys('Channel', options, known)
  const { capacity, concurrency = 1, overflow = 'drop-newest', ttlMs = Infinity, maxSenders = 1024 } = options
  const { weight, mayStart, clock = systemClock, onLost, onRoom } = options
  const strategy = checkOverflow('overflow', overflow)
  const priority = priorityOf(options)
  const byPriority = priority !== undefined
  const holds = mayStart !== undefined
  const ranked = byPriority || weight !== undefined || ttlMs !== Infinity || holds
  return {
    capacity: checkCapacity(capacity),
    concurrency: checkConcurrency(concurrency),
    strategy,
    priority: byPriority ? checkedPriority(priority) : () => 0,
    weight: weight === undefined ? () => 1 : checkedWeight(weight),
    mayStart: holds ? checkFunction('mayStart', mayStart) : () => true,
    ranking: ranked ? { byPriority, evicts: strategy === 'drop-lowest' ? 'lowest' : 'oldest', holds } : undefined,
    ttlMs: checkNumber('ttlMs', ttlMs, { min: 1, max: Infinity }),
    maxSenders: checkInteger('maxSenders', maxSenders, { max: Infinity }),
    clock: checkClock('clock', clock),
    onLost: onLost === undefined ? undefined : checkFunction('onLost', onLost),
    onRoom: onRoom === undefined ? undefined : checkFunction('onRoom', onRoom),
  }
}

export function checkCapacity(capacity: number): number {
  return checkInteger('capacity', capacity, { max: Infinity })
}

export function checkConcurrency(concurrency: number): number {
  return checkInteger('concurrency', concurrency, { min: 1, max: Infinity })
}

/**
 * An overflow strategy by its name.
 *
 * @throws RangeError or TypeError that names the option, its value and what it may be.
 */
export function checkOverflow(option: string, overflow: unknown): ChannelSettings<unknown>['strategy'] {
  if (typeof overflow === 'object' && overflow !== null) {
    checkKeys(option, overflow, ['drop', 'priority'])
    const { drop, priority } = overflow as Partial<DropLowest<unknown>>
    checkOneOf(`${option}.drop`, drop, ['lowest'])
    checkFunction(`${option}.priority`, priority)
    return 'drop-lowest'
  }
  const names = ['drop-newest', 'drop-oldest', 'fail'] as const
  const found = names.find((name) => name === overflow)
  if (found !== undefined) return found
  const expected = `"drop-newest", "drop-oldest", "fail" or { drop: 'lowest', priority }`
  const message = `${option} must be ${expected}, got ${show(overflow)}`
  throw typeof overflow === 'string' ? new RangeError(message) : new TypeError(message)
}

function priorityOf<T>({ overflow, priority }: ChannelOptions<T>): ((value: T) => number) | undefined {
  if (typeof overflow !== 'object') return priority
  if (priority === undefined) return overflow.priority
  throw new TypeError("priority must not be given beside overflow: { drop: 'lowest' }, which brings its own")
}

/** The user's function, whose answer is checked each time. */
export function checkedPriority<T>(priority: (value: T) => number): (value: T) => number {
  checkFunction('priority', priority)
  return (value) => {
    const given: unknown = priority(value)
    if (typeof given === 'number' && !Number.isNaN(given)) return given
    throw new RangeError(`priority must give a number, gave ${show(given)}`)
  }
}

/** The user's function, whose answer is checked each time. */
export function checkedWeight<T>(weight: (value: T) => number): (value: T) => number {
  checkFunction('weight', weight)
  return (value) => {
    const given: unknown = weight(value)
    if (typeof given === 'number' && given > 0 && given < Infinity) return given
    throw new RangeError(`weight must give a finite number above 0, gave ${show(given)}`)
  }
}
