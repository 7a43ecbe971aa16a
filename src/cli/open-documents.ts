import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from '../logger.ts'
import { indexDocuments } from '../retrieval/index-documents.ts'
import type { DocumentIndex } from '../retrieval/retriever.ts'
import { createSqliteRetriever } from '../retrieval/sqlite-retriever.ts'
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
 * Opens the index in the data folder and brings it up to date with the documents that the settings name.
 *
 * @throws RetrievalError naming the path that is not there or cannot be read.
 */
export async function openDocuments({ docs, dataDir }: ServeSettings, logger: Logger): Promise<OpenDocuments> {
  if (docs === 'none') return { retriever: undefined, description: 'none (--no-docs)', store: 'none' }
  const root = docs === 'own' ? packageFolder() : undefined
  const paths =
    root === undefined ? docs : ownDocuments.map((name) => join(root, name)).filter((path) => existsSync(path))
  const file = join(dataDir, 'retrieval.db')
  const retriever = createSqliteRetriever({ path: file })
  try {
    const { documents } = await indexDocuments(retriever, paths === 'own' ? [] : paths, {
      ...(root !== undefined && { root }),
      logger,
    })
    const whose = docs === 'own' ? "the project's own" : docs.join(', ')
    return { retriever, description: `${documents} (${whose})`, store: `${file} (SQLite, the index of the documents)` }
  } catch (error) {
    await retriever.close()
    throw error
  }
}
