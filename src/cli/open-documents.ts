import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../../operators/index.ts'
import type { Logger } from '../logger.ts'
import { messageOf } from '../message-of.ts'
import { type DocumentFollower, followDocuments } from '../retrieval/follow-documents.ts'
import { indexDocuments } from '../retrieval/index-documents.ts'
import type { DocumentIndex } from '../retrieval/retriever.ts'
import { openaiEmbedder } from '../workers/index.ts'
import { openDocumentIndex } from './document-index.ts'
import { packageFolder } from './package-folder.ts'
import { createProgressLine } from './progress-line.ts'
import type { ServeSettings } from './serve-settings.ts'

/** An index of documents and what to tell the user of it. */
export interface OpenDocuments {
  /** `undefined` where nothing is retrieved. */
  readonly retriever: DocumentIndex | undefined
  readonly description: string
  /** Where the index is kept. */
  readonly store: string
  /** Begins to follow changes of the documents, where the settings ask for it. */
  readonly follow: () => DocumentFollower | undefined
}

/** The documents that come with this package, as far as they were installed. */
const ownDocuments = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md']

/**
 * Opens the index in the data folder and brings it up to date with the documents that the settings name.
 * How far it is shows on standard error.
 *
 * @throws RetrievalError naming the path that is not there or cannot be read; WorkerError naming the endpoint that
 * was to embed the documents and did not.
 */
export async function openDocuments(
  { docs, dataDir, watchDocs, embedding, maxBytes, chunks }: ServeSettings,
  logger: Logger,
): Promise<OpenDocuments> {
  if (docs === 'none')
    return { retriever: undefined, description: 'none (--no-docs)', store: 'none', follow: () => undefined }
  const root = docs === 'own' ? packageFolder() : process.cwd()
  const paths = docs === 'own' ? ownDocuments.map((name) => join(root, name)).filter((path) => existsSync(path)) : docs
  const { file, index: retriever } = openDocumentIndex(
    { dataDir, root, paths, chunks },
    logger,
    embedding && openaiEmbedder(embedding),
  )
  const progress = createProgressLine(process.stderr, systemClock)
  try {
    const { documents } = await indexDocuments(retriever, paths, { root, maxBytes, logger, onProgress: progress.show })
    const whose = docs === 'own' ? "the project's own" : docs.join(', ')
    const how = embedding === undefined ? 'by words' : `by words and by ${embedding.model} at ${embedding.baseUrl}`
    return {
      retriever,
      description: `${documents} (${whose}), found ${how}${watchDocs ? ', followed' : ''}`,
      store: `${file} (SQLite, the index of the documents)`,
      follow: () => (watchDocs ? follow(retriever, paths, { root, maxBytes, logger }) : undefined),
    }
  } catch (error) {
    await retriever.close()
    throw error
  } finally {
    progress.end()
  }
}

function follow(
  index: DocumentIndex,
  paths: readonly string[],
  reading: { readonly root: string; readonly maxBytes: number; readonly logger: Logger },
): DocumentFollower {
  const { logger } = reading
  return followDocuments(index, paths, {
    ...reading,
    onReport: ({ leftOut, ...counts }) => {
      const isNews = counts.added + counts.changed + counts.removed > 0
      if (isNews) logger.info({ ...counts, leftOut: leftOut.length }, 'documents followed')
    },
    onError: (error) => {
      logger.warn({ error: messageOf(error) }, 'documents could not be followed; it is tried again')
    },
  })
}
