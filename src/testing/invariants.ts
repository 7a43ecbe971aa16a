/**
 * What `checkInvariants` checks: the nine invariants of ARCHITECTURE.md by name, a `check` of one's own, and that the
 * subject can be made and played at all.
 */
export type InvariantName =
  | 'Conservation'
  | 'Bounds'
  | 'Work-conserving'
  | 'Sheds exactly when it must'
  | 'Order'
  | 'The end'
  | 'Unsubscribe'
  | 'Re-entrancy'
  | 'Metamorphic'
  | 'Your own'
  | 'The subject itself'

/** The invariants in the order of the contract, where they are numbered from 1. */
const numbered: readonly InvariantName[] = [
  'Conservation',
  'Bounds',
  'Work-conserving',
  'Sheds exactly when it must',
  'Order',
  'The end',
  'Unsubscribe',
  'Re-entrancy',
  'Metamorphic',
]

/** What has gone wrong first in a run. */
export interface Violation {
  readonly invariant: InvariantName
  /** One sentence with the figures. */
  readonly message: string
  /** What was thrown, where something was. */
  readonly cause?: unknown
}

/** What is said where it is broken: an invariant's name is that of the contract's list, with its number. */
export function brokenLabel(name: InvariantName): string {
  if (name === 'The subject itself') return 'the subject itself fails'
  const index = numbered.indexOf(name)
  return `${index === -1 ? 'your own check' : `invariant ${index + 1}, "${name}",`} does not hold`
}

/** Collects what happens in a run, and the first thing that is wrong about it. */
export type Judge = (invariant: InvariantName, message: string, cause?: unknown) => void
