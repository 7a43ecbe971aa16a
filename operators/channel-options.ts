import { checkClock, type Clock, systemClock } from './clock.ts'
import type { ShedReason } from './item-outcome.ts'
import { type Claim, type Line, PlainLine, type Rank } from './line.ts'
import { FairLine } from './fair-line.ts'
import { RankedLine } from './ranked-line.ts'
import { checkFunction, checkInteger, checkKeys, checkNumber, checkOneOf, show } from './options.ts'

/**
 * What a full channel does with one item more. `'drop-newest'` sheds the one that arrives and never puts out
 * what waits. `'drop-oldest'` puts out as many of the oldest as the newcomer needs. `{ drop: 'lowest' }` puts out
 * what has a lower priority than the newcomer, the lowest and of these the newest first, and starts the highest
 * first. `{ drop: 'over-share' }` has tenants start in turns, and puts out the newest of the one that takes up the most for its
 * share, if that is not the newcomer's own. `'fail'` ends the channel, because nothing may be lost.
 */
export type OverflowStrategy<T> = 'drop-newest' | 'drop-oldest' | DropLowest<T> | DropOverShare<T> | 'fail'

/** The strategy that keeps what matters most. */
export interface DropLowest<T> {
  readonly drop: 'lowest'
  /** Asked once when the item arrives, and again if it is put back: any number, higher matters more. */
  readonly priority: (value: T) => number
}

/** The strategy that keeps for each tenant its share. */
export interface DropOverShare<T> {
  readonly drop: 'over-share'
  /** Whose an item is; asked once when it arrives, and again if it is put back. */
  readonly tenant: (value: T) => string
  /**
   * The part of an item's tenant beside those of the others that have something waiting, 1 … 1,000; default 1 for each.
   * It is that of the tenant's first item while any of them wait.
   */
  readonly share?: (value: T) => number
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
  readonly strategy: 'drop-newest' | 'drop-oldest' | 'drop-lowest' | 'over-share' | 'fail'
  /** A priority, of which higher starts first, or whose it is; both throw when what the user gives is out of range. */
  readonly rank: (value: T) => Rank
  readonly weight: (value: T) => number
  readonly mayStart: (value: T) => boolean
  /** Makes the line that fits how items differ. */
  readonly createLine: () => Line<T>
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
  const holds = mayStart !== undefined
  return {
    capacity: checkCapacity(capacity),
    concurrency: checkConcurrency(concurrency),
    strategy,
    weight: weight === undefined ? () => 1 : checkedWeight(weight),
    mayStart: holds ? checkFunction('mayStart', mayStart) : () => true,
    ...lineOf(options),
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
    const given = overflow as Partial<DropLowest<unknown>> | Partial<DropOverShare<unknown>>
    if (checkOneOf(`${option}.drop`, given.drop, ['lowest', 'over-share']) === 'lowest') {
      checkKeys(option, overflow, ['drop', 'priority'])
      checkFunction(`${option}.priority`, (given as Partial<DropLowest<unknown>>).priority)
      return 'drop-lowest'
    }
    checkKeys(option, overflow, ['drop', 'tenant', 'share'])
    const { tenant, share } = given as Partial<DropOverShare<unknown>>
    checkFunction(`${option}.tenant`, tenant)
    if (share !== undefined) checkFunction(`${option}.share`, share)
    return 'over-share'
  }
  const names = ['drop-newest', 'drop-oldest', 'fail'] as const
  const found = names.find((name) => name === overflow)
  if (found !== undefined) return found
  const expected = `"drop-newest", "drop-oldest", "fail", { drop: 'lowest', priority } or { drop: 'over-share', tenant }`
  const message = `${option} must be ${expected}, got ${show(overflow)}`
  throw typeof overflow === 'string' ? new RangeError(message) : new TypeError(message)
}

function lineOf<T>({
  overflow,
  priority,
  weight,
  ttlMs = Infinity,
  mayStart,
}: ChannelOptions<T>): Pick<ChannelSettings<T>, 'rank' | 'createLine'> {
  if (typeof overflow === 'object' && priority !== undefined) {
    const why = overflow.drop === 'lowest' ? 'brings its own' : 'has tenants take turns'
    throw new TypeError(`priority must not be given beside overflow: { drop: '${overflow.drop}' }, which ${why}`)
  }
  if (typeof overflow === 'object' && overflow.drop === 'over-share') {
    if (mayStart === undefined) return { rank: checkedClaim(overflow), createLine: () => new FairLine() }
    throw new TypeError("mayStart must not be given beside overflow: { drop: 'over-share' }, which holds nothing")
  }
  const asked = typeof overflow === 'object' ? overflow.priority : priority
  const byPriority = asked !== undefined
  const holds = mayStart !== undefined
  const ranked = byPriority || weight !== undefined || ttlMs !== Infinity || holds
  const evicts = typeof overflow === 'object' ? 'lowest' : 'oldest'
  return {
    rank: byPriority ? checkedPriority(asked) : () => 0,
    createLine: () => (ranked ? new RankedLine<T>({ byPriority, evicts, holds }) : new PlainLine<T>()),
  }
}

/** The user's functions, whose answers are checked each time. */
function checkedClaim<T>({ tenant, share }: DropOverShare<T>): (value: T) => Claim {
  return (value) => {
    const name: unknown = tenant(value)
    if (typeof name !== 'string') throw new TypeError(`tenant must give a string, gave ${show(name)}`)
    return { tenant: name, share: checkNumber('share', share?.(value) ?? 1, { min: 1, max: 1_000 }) }
  }
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
