/** A document that is not indexed, and why. */
export interface LeftOut {
  readonly path: string
  /** Its name, if it were indexed. */
  readonly source: string
  /** What is wrong with it, e.g. `is empty`. */
  readonly reason: string
  /** Whether it is one of the paths given, and not just found in a folder. */
  readonly isNamed: boolean
  /** Whether an earlier version of it stays in the index: only while it is being written to. */
  readonly isKept: boolean
}
