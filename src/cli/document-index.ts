import { createHash } from 'node:crypto'
import { join, resolve } from 'node:path'
import type { Logger } from '../logger.ts'
import type { Embedder } from '../retrieval/embedder.ts'
import type { DocumentIndex } from '../retrieval/retriever.ts'
import { createSqliteRetriever } from '../retrieval/sqlite-retriever.ts'
import type { DocumentSettings } from './document-settings.ts'
import { makeFolder } from './make-folder.ts'

/** Which index is opened, and for what. */
export interface IndexPlace {
  readonly dataDir: string
  /** What the documents' names are relative to. */
  readonly root: string
  readonly paths: readonly string[]
  /** How they are cut. */
  readonly chunks: DocumentSettings['chunks']
}

/**
 * Opens the index of a set of documents in the data folder. Every set has one of its own, so that servers of different
 * ones can share the folder, and the same set always has the same, so that `ingest` fills what `serve` reads.
 */
export function openDocumentIndex(
  { dataDir, root, paths, chunks }: IndexPlace,
  logger: Logger,
  embedder?: Embedder,
): { readonly file: string; readonly index: DocumentIndex } {
  const file = join(dataDir, indexName(root, paths))
  makeFolder('--data-dir', dataDir)
  // While another process writes a group this one waits; that takes no longer than a large document.
  const options = { ...chunks, path: file, logger, busyTimeoutMs: 10_000, ...(embedder !== undefined && { embedder }) }
  return { file, index: createSqliteRetriever(options) }
}

/** The same for the same documents under the same names, which are relative to `root`; in any order. */
function indexName(root: string, paths: readonly string[]): string {
  const set = JSON.stringify([root, ...new Set(paths.map((path) => resolve(path)).sort())])
  return `retrieval-${createHash('sha256').update(set).digest('hex').slice(0, 12)}.db`
}
