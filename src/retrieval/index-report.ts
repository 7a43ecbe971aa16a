import type { LeftOut } from './left-out.ts'

/** What is not as it should be in a document that could be read, e.g. bytes that are not valid UTF-8. */
export interface DocumentNote {
  readonly path: string
  /** The document's name. */
  readonly source: string
  readonly problem: string
}

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
  /** Of documents that were added or changed. */
  readonly notes: readonly DocumentNote[]
  /**
   * How many entries of folders were not looked at, by what they are: the end of their names, such as `.docx`, or
   * `no ending`, `dot name` (a file or folder) and `node_modules`.
   */
  readonly skipped: Readonly<Record<string, number>>
}
