import { loadDocuments, type LoadOptions } from './load-documents.ts'
import type { DocumentIndex, SourceDocument } from './retriever.ts'

/** What an index holds after it has been brought up to date. */
export interface IndexReport {
  /** Documents in the index. */
  readonly documents: number
  /** Documents that were in it and are no longer among the paths. */
  readonly removed: number
}

/** A group is written at once, blocking the thread, so it is small; one that is too small costs a commit each. */
const groupDocuments = 32
const groupChars = 100_000

/**
 * Makes an index hold the documents of the paths and no others: new and changed ones are added, those that
 * are gone are removed.
 *
 * @example
 * ```ts
 * const { documents } = await indexDocuments(retriever, ['docs'], { logger })
 * ```
 *
 * @throws RetrievalError naming a path that does not exist; what is already written stays, nothing is removed.
 */
export async function indexDocuments(
  index: DocumentIndex,
  paths: readonly string[],
  options: LoadOptions = {},
): Promise<IndexReport> {
  const found = new Set<string>()
  let group: SourceDocument[] = []
  let chars = 0
  for await (const document of loadDocuments(paths, options)) {
    found.add(document.source)
    group.push(document)
    chars += document.text.length
    if (group.length < groupDocuments && chars < groupChars) continue
    await index.add(group)
    group = []
    chars = 0
  }
  if (group.length > 0) await index.add(group)
  const gone = (await index.sources()).filter((source) => !found.has(source))
  if (gone.length > 0) await index.remove(gone)
  return { documents: found.size, removed: gone.length }
}
