/** The invariants of the contract by number. */
const names = {
  1: 'Conservation',
  2: 'Bounds',
  3: 'Work-conserving',
  4: 'Sheds exactly when it must',
  5: 'Order',
  6: 'The end',
  7: 'Unsubscribe',
  8: 'Re-entrancy',
  9: 'Metamorphic',
} as const

/** What `checkInvariants` checks: the nine invariants of ARCHITECTURE.md by name, and a `check` of one's own. */
export type InvariantName = (typeof names)[keyof typeof names] | 'Your own'

/** What has gone wrong first in a run. */
export interface Violation {
  readonly invariant: InvariantName
  /** One sentence with the figures. */
  readonly message: string
  /** What was thrown, where something was. */
  readonly cause?: unknown
}

/** The name as the contract's list has it, with its number. */
export function invariantLabel(name: InvariantName): string {
  const number = Object.entries(names).find(([, known]) => known === name)?.[0]
  return number === undefined ? 'your own check' : `invariant ${number}, "${name}",`
}

/** Collects what happens in a run, and the first thing that is wrong about it. */
export type Judge = (invariant: InvariantName, message: string, cause?: unknown) => void
