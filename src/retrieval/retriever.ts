/** What is known of a document beside its text, for filters: a few short values under short names. */
export type DocumentMetadata = Readonly<Record<string, string | number | boolean>>

/** A document as it is handed to a retriever, which cuts it into passages. */
export interface SourceDocument {
  /** Its name, e.g. its path; adding another of the same name replaces it. */
  readonly source: string
  readonly text: string
  /** How the text is written; default: Markdown where the name ends in `.md` or `.markdown`, otherwise plain text. */
  readonly format?: 'markdown' | 'text'
  readonly metadata?: DocumentMetadata
  /** Tells this version of the document from others, e.g. a hash of its file; default: a hash of its text and metadata. */
  readonly digest?: string
}

/** A piece of a document that was found. */
export interface Passage {
  /** The document that it was found in. */
  readonly source: string
  /** The headings above it, outermost first. */
  readonly headings: readonly string[]
  readonly text: string
  /** Greater is better; comparable within one search only. */
  readonly score: number
  /** The document's. */
  readonly metadata?: DocumentMetadata
  /** Its places, from 1, in the rankings that were made: by the question's words, and by its meaning. */
  readonly ranks?: { readonly words?: number; readonly vectors?: number }
}

/** What documents' metadata must be: each of these values, or one of them where several are given. */
export type SearchFilter = Readonly<Record<string, string | number | boolean | readonly (string | number | boolean)[]>>

/** How to search. */
export interface SearchOptions {
  /** How many passages at the most, 1 … 100; default 4. */
  readonly topK?: number
  /** Only documents whose metadata is like this; default: all. */
  readonly filter?: SearchFilter
  /** Called when the question's meaning could not be told, so that its words alone decided. */
  readonly onFallback?: () => void
  readonly signal?: AbortSignal
}

/** Finds the passages that bear on a question. */
export interface Retriever {
  /** The best passages, best first; none when nothing fits. */
  search(query: string, options?: SearchOptions): Promise<readonly Passage[]>
  /** Adds or replaces documents; resolves when they can be found. */
  add(documents: readonly SourceDocument[]): Promise<void>
  /** Removes documents by name; an unknown name is ignored. */
  remove(sources: readonly string[]): Promise<void>
  /** Lets go of files and connections; searching afterwards rejects. */
  close(): Promise<void>
}

/** A retriever that knows what it holds, so that it can follow a folder of documents. */
export interface DocumentIndex extends Retriever {
  /** The names of all its documents, sorted. */
  sources(): Promise<readonly string[]>
  /**
   * The digests that its documents were added with, by name: of those documents only that adding them again would
   * not change. A document whose digest is the same need not even be read.
   */
  digests(): Promise<ReadonlyMap<string, string>>
}
