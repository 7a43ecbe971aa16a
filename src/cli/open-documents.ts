import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Logger } from '../logger.ts'
import { indexDocuments } from '../retrieval/index-documents.ts'
import type { DocumentIndex } from '../retrieval/retriever.ts'
import { createSqliteRetriever } from '../retrieval/sqlite-retriever.ts'
import { openaiEmbedder } from '../workers/index.ts'
import { makeFolder } from './make-folder.ts'
import { packageFolder } from './package-folder.ts'
import type { ServeSettings } from './serve-settings.ts'

/** An index of documents and what to tell the user of it. */
export interface OpenDocuments {
  /** `undefined` where nothing is retrieved. */
  readonly retriever: DocumentIndex | undefined
  readonly description: string
  /** Where the index is kept. */
  readonly store: string
}

/** The documents that come with this package, as far as they were installed. */
const ownDocuments = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md']

/**
 * Opens the index in the data folder and brings it up to date with the documents that the settings name. Every set
 * of documents has an index of its own, so that servers of different ones can share the folder.
 *
 * @throws RetrievalError naming the path that is not there or cannot be read; WorkerError naming the endpoint that
 * was to embed the documents and did not.
 */
export async function openDocuments(
  { docs, dataDir, embedding }: ServeSettings,
  logger: Logger,
): Promise<OpenDocuments> {
  if (docs === 'none') return { retriever: undefined, description: 'none (--no-docs)', store: 'none' }
  const root = docs === 'own' ? packageFolder() : process.cwd()
  const paths = docs === 'own' ? ownDocuments.map((name) => join(root, name)).filter((path) => existsSync(path)) : docs
  const file = join(dataDir, indexName(root, paths))
  makeFolder('--data-dir', dataDir)
  const retriever = createSqliteRetriever({
    path: file,
    logger,
    ...(embedding !== undefined && { embedder: openaiEmbedder(embedding) }),
  })
  try {
    const { documents } = await indexDocuments(retriever, paths, { root, logger })
    const whose = docs === 'own' ? "the project's own" : docs.join(', ')
    const how = embedding === undefined ? 'by words' : `by words and by ${embedding.model} at ${embedding.baseUrl}`
    return {
      retriever,
      description: `${documents} (${whose}), found ${how}`,
      store: `${file} (SQLite, the index of the documents)`,
    }
  } catch (error) {
    await retriever.close()
    throw error
  }
}

/** The same for the same documents under the same names, which are relative to `root`; in any order. */
function indexName(root: string, paths: readonly string[]): string {
  const set = JSON.stringify([root, ...paths.map((path) => resolve(path)).sort()])
  return `retrieval-${createHash('sha256').update(set).digest('hex').slice(0, 12)}.db`
}
