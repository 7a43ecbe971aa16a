import * as fc from 'fast-check'
import type { ChannelLimits } from '../../operators/index.ts'
import { arrivals } from './arbitraries/arrivals.ts'
import { type ClockJump, clockJumps } from './arbitraries/clock-jumps.ts'
import { type Fault, faults } from './arbitraries/faults.ts'
import { keys, priorities, weights } from './arbitraries/item-traits.ts'
import { limitChanges } from './arbitraries/limit-changes.ts'
import { rarely } from './arbitraries/rarely.ts'
import { roundMs } from './arbitraries/round-ms.ts'
import { serviceTimes } from './arbitraries/service-times.ts'
import { type Arriving, workload } from './arbitraries/workload.ts'
import type { OperatorLimits } from './operator-subject.ts'

/** One item of an operator's workload, and what becomes of it. */
export interface PlannedItem extends Arriving {
  readonly priority: number
  readonly weight: number
  readonly key: string
  /** How its project gives what it has: in the very call where `serviceMs` is 0, but for promises. */
  readonly gives: 'values' | 'promise'
  /** How many values it gives; a promise gives one. */
  readonly outputs: number
  readonly serviceMs: number
  readonly fault: Fault | undefined
  /** It arrives within the first output of the item before, if that comes before its time. */
  readonly reentrant: boolean
  /** Comes with its arrival, before it. */
  readonly change: ChannelLimits | undefined
  /** Comes before its arrival. */
  readonly jump: ClockJump | undefined
}

/** A workload of an operator, with nothing left to chance. */
export interface OperatorScenario {
  readonly limits: OperatorLimits
  readonly items: readonly PlannedItem[]
  /** After the last arrival; `leaves`: the subscriber unsubscribes within the next output. */
  readonly ending: { readonly kind: 'completes' | 'errors' | 'unsubscribes' | 'leaves'; readonly afterMs: number }
}

/** Workloads of operators that claim such limits. */
export function operatorScenarios(
  limits: fc.Arbitrary<OperatorLimits>,
  maxItems: number,
): fc.Arbitrary<OperatorScenario> {
  const item: fc.Arbitrary<Omit<PlannedItem, 'atMs'>> = fc.record({
    priority: priorities(),
    weight: weights(),
    key: keys(),
    gives: fc.constantFrom('values', 'values', 'promise'),
    outputs: fc.constantFrom(1, 1, 0, 2, 3),
    serviceMs: serviceTimes(),
    fault: faults(),
    reentrant: fc.constantFrom(false, false, false, false, true),
    change: rarely(12, limitChanges()),
    jump: rarely(16, clockJumps()),
  })
  return fc.record({
    limits,
    items: workload(arrivals({ maxLength: maxItems }), item),
    ending: fc.record({
      kind: fc.constantFrom('completes', 'completes', 'errors', 'unsubscribes', 'leaves'),
      afterMs: roundMs([
        [0, 2],
        [5, 2],
        [20, 2],
        [100, 1],
      ]),
    }),
  })
}

/** The scenario in words, a line for each thing that happens. */
export function describeOperatorScenario({ limits, items, ending }: OperatorScenario): string {
  const claims = Object.entries(limits).map(
    ([name, value]) =>
      `${name} ${typeof value === 'object' ? 'drop lowest' : typeof value === 'function' ? "the item's" : String(value)}`,
  )
  const lines = items.map((item, id) => {
    const { key, priority, weight, change, jump, reentrant, atMs } = item
    const ranks = limits.priority !== undefined || typeof limits.overflow === 'object'
    const traits = [
      limits.key !== undefined && `key ${key}`,
      ranks && `priority ${priority}`,
      limits.weight !== undefined && `weight ${weight}`,
    ].filter(Boolean)
    const named = traits.length > 0 ? ` (${traits.join(', ')})` : ''
    const where =
      reentrant && id > 0 ? `within the first output of item ${id - 1}, at ${atMs} ms at the latest` : `at ${atMs} ms`
    const before = [
      ...(jump === undefined ? [] : [describeJump(jump)]),
      ...(change === undefined ? [] : [`the limits change to ${JSON.stringify(change)}`]),
    ]
    return [...before, `item ${id}${named} arrives ${where}; its project ${describeWork(item)}`].join('\n  ')
  })
  const endsAt = (items.at(-1)?.atMs ?? 0) + ending.afterMs
  const last = {
    completes: 'the source completes',
    errors: 'the source errors',
    unsubscribes: 'the subscriber unsubscribes',
    leaves: 'the subscriber unsubscribes within the next output',
  }
  const rest = unsaid(limits)
  const held = claims.join(', ') + (rest.length > 0 ? `; by default ${rest.join(', ')}` : '')
  return [held, ...lines, `${last[ending.kind]} at ${endsAt} ms`].map((line) => `  ${line}`).join('\n')
}

/** What an operator is held to where it claims nothing else. */
function unsaid(limits: OperatorLimits): readonly string[] {
  const keyed = limits.key !== undefined
  const defaults = {
    concurrency: `concurrency ${keyed ? Infinity : 1}`,
    ...(keyed && { perKeyConcurrency: 'perKeyConcurrency 1' }),
    overflow: 'overflow drop-newest',
    onSourceError: 'onSourceError drain',
    ttlMs: 'no ttlMs',
  }
  return Object.entries(defaults).flatMap(([name, words]) =>
    limits[name as keyof typeof defaults] === undefined ? [words] : [],
  )
}

/** A leap of the clock in words. */
export function describeJump({ kind, byMs }: ClockJump): string {
  if (kind === 'sleep') return `the machine sleeps for ${byMs} ms`
  return `the time is set ${byMs < 0 ? 'back' : 'forwards'} by ${Math.abs(byMs)} ms`
}

function describeWork({ gives, outputs, serviceMs, fault }: PlannedItem): string {
  const when = serviceMs === 0 ? 'at once' : `after ${serviceMs} ms`
  if (fault === 'throw') return 'throws'
  if (fault === 'crash') return 'returns what is no observable'
  if (fault === 'hang') return 'never ends'
  if (fault === 'reject') return gives === 'promise' ? `rejects ${when}` : `errors ${when}`
  if (gives === 'promise') return `resolves ${when}`
  return `gives ${outputs === 1 ? '1 value' : `${outputs} values`} ${when}`
}
