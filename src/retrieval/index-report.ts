import type { LeftOut } from './left-out.ts'

/** How many documents had which fate. */
export interface IndexCounts {
  readonly added: number
  readonly changed: number
  readonly unchanged: number
}

/** How far the work is. */
export interface IndexProgress extends IndexCounts {
  /** Documents that were found, and how many of them have been dealt with. */
  readonly total: number
  readonly done: number
  /** The name of the last of them. */
  readonly source: string
  readonly leftOut: number
}

/** What an index holds after it has been brought up to date. */
export interface IndexReport extends IndexCounts {
  /** Documents in the index. */
  readonly documents: number
  /** Documents that were in it and are gone, or can no longer be read. */
  readonly removed: number
  readonly leftOut: readonly LeftOut[]
}
