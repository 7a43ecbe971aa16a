import type { Clock } from '../../../operators/index.ts'
import type { DocumentMetadata, SourceDocument } from '../retriever.ts'

/** A file's bytes, to be made a document of. */
export interface FileContent {
  /** Names the file in errors and warnings. */
  readonly path: string
  readonly bytes: Uint8Array
  /** Hears of what is not as it should be, but can be read. */
  readonly warn: (problem: string) => void
  readonly clock: Clock
  readonly signal: AbortSignal | undefined
}

/** What a format makes of a file. */
export interface ParsedFile {
  readonly text: string
  /** How `text` is written, whatever the file's own format. */
  readonly format: NonNullable<SourceDocument['format']>
  /** What the file says of itself: its title, author, … */
  readonly metadata: DocumentMetadata
}

/** A kind of file that documents can be read from. */
export interface DocumentFormat {
  readonly name: string
  /** The endings of its files' names, in lower case, without the dot. */
  readonly extensions: readonly string[]
  /** Counts up when the same file gives another text, so that an index is brought up to date. */
  readonly version: number
  /** @throws RetrievalError saying why the file cannot be read; rejects with the signal's reason. */
  readonly parse: (file: FileContent) => ParsedFile | Promise<ParsedFile>
}
