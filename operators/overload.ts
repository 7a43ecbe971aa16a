import { checkedPriority } from './channel-options.ts'
import { Codel, type CodelOptions } from './codel.ts'
import { Dagor, type DagorOptions } from './dagor.ts'
import type { ShedReason } from './item-outcome.ts'
import { checkFunction, checkKeys, checkOneOf, show } from './options.ts'
import type { RandomSource } from './random.ts'
import { ServiceEstimate } from './service-estimate.ts'

/**
 * Sheds before the buffer is full, by how long items wait.
 *
 * - `codel`: what has waited too long is shed as it would start, while even the shortest wait of an interval is too long.
 * - `dagor`: what matters least is refused as it arrives, while the average wait is too long.
 * - `deadline`: what cannot end in time is refused as it arrives, or shed as it would start; how long it will take is
 *   told by the mean of those before it.
 *
 * An item that finds a free slot and nobody waiting is never refused. What is shed has the reason `'delay'`, and with
 * `deadline` the reason `'deadline'`.
 */
export type OverloadPolicy<T> = CodelPolicy | DagorPolicy<T> | DeadlinePolicy<T>

/** @see Codel */
export interface CodelPolicy extends CodelOptions {
  readonly kind: 'codel'
}

/** @see Dagor */
export interface DagorPolicy<T> extends DagorOptions {
  readonly kind: 'dagor'
  /** Higher comes first; default all are equal. */
  readonly priority?: (value: T) => number
  /** Who sent it: what one user sends is let in or refused alike. Default, and where it gives `undefined`: by chance. */
  readonly user?: (value: T) => string | undefined
}

/** Refuses what would be too late. */
export interface DeadlinePolicy<T> {
  readonly kind: 'deadline'
  /** When it is of no use any more, by the clock's `now`; `Infinity` for never. */
  readonly deadlineAt: (value: T) => number
}

/** Why a policy sheds. */
export type OverloadReason = Extract<ShedReason, 'delay' | 'deadline'>

/** What an item that arrives finds. */
export interface Queue {
  /** Items that are to start before it. */
  readonly ahead: number
  /** Items that have a slot, and slots that there are. */
  readonly running: number
  readonly concurrency: number
}

/** A policy at work in front of one buffer. It is told the time. */
export class Overload<T> {
  readonly reason: OverloadReason
  private readonly policy: OverloadPolicy<T>
  private readonly codel: Codel | undefined
  private readonly dagor: Dagor | undefined
  private readonly priority: (value: T) => number
  private readonly estimate = new ServiceEstimate()

  /**
   * @param option What the policy is called, for the errors.
   * @throws RangeError or TypeError that names the option, its value and what is allowed.
   */
  constructor(option: string, policy: OverloadPolicy<T>, random: RandomSource) {
    checkPolicy(option, policy)
    this.policy = policy
    this.reason = policy.kind === 'deadline' ? 'deadline' : 'delay'
    const of = (name: string): string => `${option}.${name}`
    this.priority =
      policy.kind === 'dagor' && policy.priority !== undefined ? checkedPriority(policy.priority) : () => 0
    if (policy.kind === 'codel') this.codel = new Codel(policy, of)
    if (policy.kind === 'dagor') this.dagor = new Dagor(policy, random, of)
  }

  /** Told of each item as it arrives, and whether it is to be refused. */
  refuses(value: T, { ahead, running, concurrency }: Queue, now: number): boolean {
    const { policy } = this
    const waits = ahead > 0 || running >= concurrency
    switch (policy.kind) {
      case 'codel':
        return false
      case 'dagor':
        return this.dagor?.refuses(this.priority(value), policy.user?.(value), now) === true && waits
      case 'deadline':
        return waits && now + this.estimate.untilEndMs(ahead, concurrency) > policy.deadlineAt(value)
    }
  }

  /** Told of each item that is about to start, and whether it is to be shed instead. */
  sheds(value: T, waitedMs: number, now: number): boolean {
    this.dagor?.starts(waitedMs)
    if (this.codel?.sheds(waitedMs, now) === true) return true
    return this.policy.kind === 'deadline' && waitedMs > 0 && now + this.estimate.meanMs > this.policy.deadlineAt(value)
  }

  /** Told for how long each item has run. */
  ran(ms: number): void {
    this.estimate.ran(ms)
  }
}

function checkPolicy<T>(option: string, policy: OverloadPolicy<T>): void {
  if (typeof policy !== 'object' || (policy as object | null) === null) {
    throw new TypeError(`${option} must be an object with a kind, got ${show(policy)}`)
  }
  const functions: Readonly<Record<typeof policy.kind, readonly string[]>> = {
    codel: [],
    dagor: ['priority', 'user'],
    deadline: ['deadlineAt'],
  }
  const numbers = { codel: ['targetMs', 'intervalMs'], dagor: ['targetMs', 'windowMs'], deadline: [] }
  const kind = checkOneOf(`${option}.kind`, policy.kind, ['codel', 'dagor', 'deadline'])
  checkKeys(option, policy, ['kind', ...numbers[kind], ...functions[kind]])
  for (const name of functions[kind]) {
    const given = (policy as unknown as Readonly<Record<string, unknown>>)[name]
    if (given !== undefined || name === 'deadlineAt') checkFunction(`${option}.${name}`, given)
  }
}
