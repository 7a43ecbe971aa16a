import type { DropOverShare } from '../../operators/index.ts'
import type { Judge } from './invariants.ts'
import type { LineBooks, Room } from './line-books.ts'
import type { OperatorBooks } from './operator-books.ts'
import type { Item, OperatorLimits } from './operator-subject.ts'

/** What an arrival finds, before the operator is told of it. */
export interface Found<I extends Item = Item> {
  readonly slotIsFree: boolean
  /** What waits without a slot, first to start first; in the middle of a call others may own one and start soon. */
  readonly line: readonly I[]
  readonly capacity: number
}

/** Looks at the moment before an item arrives. */
export function beforeArrival(item: Item, books: OperatorBooks): Found {
  const order = books.inStartOrder()
  const owed = books.owed(order)
  for (const other of owed) books.granted.add(other)
  const line = order.filter((other) => !owed.includes(other))
  return { slotIsFree: books.mayStart(item, owed), line, capacity: books.capacity }
}

/**
 * Holds one arrival to what the contract says of that very call: whether the item starts, waits or is shed, and who
 * gives way for it.
 *
 * @param within It arrived within an output, where a start may wait until the outermost call returns.
 * @param overflowed It takes nothing any more, because it was given too much.
 */
export function judgeArrival<I extends Item>(
  item: I,
  { slotIsFree, line, capacity }: Found<I>,
  books: LineBooks<I>,
  limits: OperatorLimits,
  judge: Judge,
  within: boolean,
  overflowed: boolean,
): void {
  const rule = 'Sheds exactly when it must'
  const id = books.nameOf(item)
  const outcome = books.outcomes.get(item)
  const lost = line.filter((other) => books.outcomes.has(other) && !books.startedAt.has(other))
  const evicted = lost.filter((other) => books.outcomes.get(other)?.kind !== 'expired')
  const live = line.filter((other) => !lost.includes(other) || evicted.includes(other))
  const present = live.filter((other) => evicted.includes(other) || !books.hasWaitedTooLong(other))
  const lacking = books.lacks(item, present, capacity)
  const room: Room<I> = lacking ?? { items: present, capacity, owner: '' }
  const [load, weight] = [books.weigh(room.items), books.weightOf(item)]
  const nothingMayWait = capacity === 0 || books.perKeyCapacity === 0
  const tooLarge = capacity > 0 && weight > capacity
  const units = limits.weight === undefined ? 'places' : 'units'
  const taken = `${load} of ${room.capacity} ${units}${room.owner} are taken`
  const names = (items: readonly I[]): string => items.map((other) => books.nameOf(other)).join(', ')
  const evictedNames = names(evicted)
  const said = outcome === undefined ? '' : ` (${outcome.reason ?? outcome.kind})`

  if (slotIsFree) {
    if (outcome !== undefined && !books.startedAt.has(item)) judge(rule, `${id} is shed${said} while a slot is free`)
    else if (!within && !books.startedAt.has(item)) {
      judge('Work-conserving', `${id} arrives while a slot is free, but does not start: ${books.figures}`)
    }
    return
  }
  if (books.startedAt.has(item)) return // The books have said that this is one too many.
  if (lacking === undefined) {
    if (outcome !== undefined) judge(rule, `${id} is shed${said}, but ${taken}`)
    else if (evicted.length > 0) judge(rule, `${evictedNames} must give way to ${id}, but ${taken}`)
    return
  }
  const { overflow = 'drop-newest' } = limits
  const isShed = (): void => {
    const reason = tooLarge ? 'too-large' : 'full'
    const why = tooLarge ? `it weighs ${weight} and capacity is ${capacity}` : taken
    if (outcome === undefined) judge(rule, `${id} must be shed, because no slot is free and ${why}, but it is let in`)
    else if (outcome.kind !== 'shed') judge(rule, `${id} must be shed, because ${why}, but it is ${outcome.kind}`)
    else if (outcome.reason !== reason) judge(rule, `${id} is shed as ${outcome.reason ?? 'nothing'}, not as ${reason}`)
  }
  if (overflow === 'fail' && !nothingMayWait) {
    isShed()
    if (!overflowed) judge(rule, `${id} does not fit, but nothing has failed with OverflowError`)
    if (!books.idle) judge(rule, `${id} does not fit and all has failed, but not all is discarded: ${books.figures}`)
    return
  }
  if (typeof overflow === 'object' && overflow.drop === 'over-share' && !tooLarge && !nothingMayWait) {
    const own = excessOf(item, [...room.items, item], overflow, books)
    const over = room.items.filter((other) => excessOf(other, room.items, overflow, books) > own)
    if (over.length === 0) isShed()
    else if (outcome !== undefined && limits.weight === undefined) {
      judge(rule, `${id} is shed${said}, but ${names(over)} are of who takes up more for its share`)
    }
    const spared = evicted.filter((other) => !over.includes(other))
    if (spared.length > 0) judge(rule, `${names(spared)} must not give way to ${id}, which takes up more for its share`)
    return
  }
  const ranks = typeof overflow === 'object' && !tooLarge && !nothingMayWait
  const mayGo = ranks ? lowerThan(item, room.items, books) : room.items
  const canFit = load + weight - books.weigh(mayGo) <= Math.max(room.capacity, load)
  if (tooLarge || nothingMayWait || overflow === 'drop-newest' || mayGo.length === 0 || !canFit) {
    isShed()
    if (evicted.length > 0) judge(rule, `${evictedNames} must give way to ${id}, which is to be shed itself`)
    return
  }
  const order = typeof overflow === 'object' ? mayGo : room.items.toSorted((a, b) => a.id - b.id)
  const expected = order.slice(0, enough(order, load + weight - room.capacity, books))
  if (outcome !== undefined) judge(rule, `${id} is shed${said}, but ${names(expected)} must give way to it`)
  else if (
    names(expected) !== names(order.filter((other) => evicted.includes(other))) ||
    evicted.length !== expected.length
  ) {
    judge(rule, `${evicted.length === 0 ? 'nothing' : evictedNames} gives way to ${id}, but ${names(expected)} must`)
  }
  for (const other of evicted) {
    const { kind, reason } = books.outcomes.get(other) ?? {}
    if (kind !== 'shed' || reason !== 'evicted')
      judge(rule, `${books.nameOf(other)} has given way, but is told to be ${reason ?? kind ?? ''}`)
  }
}

/** What an item's tenant takes up among some for its share, which is that of its first. */
function excessOf<I extends Item>(
  item: I,
  items: readonly I[],
  { share }: DropOverShare<I>,
  books: LineBooks<I>,
): number {
  const own = books.ofLane(item, items)
  return books.weigh(own) / (share?.(own[0] ?? item) ?? 1)
}

/** Those of lower priority: the lowest first, and of these the newest. */
function lowerThan<I extends Item>(item: I, line: readonly I[], books: LineBooks<I>): readonly I[] {
  return line
    .filter((other) => books.priorityOf(other) < books.priorityOf(item))
    .toSorted((a, b) => books.priorityOf(a) - books.priorityOf(b) || b.id - a.id)
}

/** How many of the first must go until so many units are free; all where they are not enough. */
function enough<I extends Item>(order: readonly I[], units: number, books: LineBooks<I>): number {
  let left = units
  const last = order.findIndex((other) => (left -= books.weightOf(other)) <= 0)
  return last === -1 ? order.length : last + 1
}
