import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { systemClock } from '../../operators/index.ts'
import type { Logger } from '../logger.ts'
import type { DocumentFollower } from '../retrieval/follow-documents.ts'
import { indexDocuments } from '../retrieval/index-documents.ts'
import type { IndexReport } from '../retrieval/index-report.ts'
import type { DocumentIndex } from '../retrieval/retriever.ts'
import { openaiEmbedder } from '../workers/index.ts'
import { openDocumentIndex } from './document-index.ts'
import { followInThread, type FollowInThreadOptions } from './follow-in-thread.ts'
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
  /** Follows the documents no longer, and lets go of the index. */
  close(): Promise<void>
}

/** The documents that come with this package, as far as they were installed. */
const ownDocuments = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md']

/**
 * Opens the index in the data folder and brings it up to date with the documents that the settings name; where they
 * ask for it, changes of the documents are followed from then on. How far it is shows on standard error.
 *
 * @throws Error naming `--docs` and the path that is not there or cannot be read; RetrievalError naming the index; WorkerError naming the endpoint that
 * was to embed the documents and did not; Error where they were read in the thread that follows them.
 */
export async function openDocuments(settings: ServeSettings, logger: Logger): Promise<OpenDocuments> {
  const { docs, dataDir, watchDocs, embedding, maxBytes, chunks } = settings
  if (docs === 'none')
    return { retriever: undefined, description: 'none (--no-docs)', store: 'no index of documents', close: nothing }
  const root = docs === 'own' ? packageFolder() : process.cwd()
  const paths = docs === 'own' ? ownDocuments.map((name) => join(root, name)).filter((path) => existsSync(path)) : docs
  const place = { dataDir, root, paths, chunks }
  const { file, index: retriever } = openDocumentIndex(place, logger, embedding && openaiEmbedder(embedding))
  const progress = createProgressLine(process.stderr, systemClock)
  try {
    const { report, follower } = watchDocs
      ? await follow({ place, maxBytes, embedding, logger, clock: systemClock, onProgress: progress.show })
      : {
          report: await indexDocuments(retriever, paths, { root, maxBytes, logger, onProgress: progress.show }),
          follower: undefined,
        }
    const whose = docs === 'own' ? "the project's own" : docs.join(', ')
    const how = embedding === undefined ? 'by words' : `by words and by ${embedding.model} at ${embedding.baseUrl}`
    return {
      retriever,
      description: `${report.documents} (${whose}), found ${how}${watchDocs ? ', followed' : ''}`,
      store: `${file} (SQLite, the index of the documents)`,
      close: async () => {
        await follower?.close()
        await retriever.close()
      },
    }
  } catch (error) {
    await retriever.close()
    throw docs === 'own' ? error : withOption(error, docs)
  } finally {
    progress.end()
  }
}

/** What is wrong with a path that was given is told with the option that gave it; a thread tells only the sentence. */
function withOption(error: unknown, docs: readonly string[]): unknown {
  const isOfPath = error instanceof Error && docs.some((path) => error.message.startsWith(`${resolve(path)}: `))
  return isOfPath ? new Error(`--docs: ${error.message}`, { cause: error }) : error
}

function nothing(): Promise<void> {
  return Promise.resolve()
}

/** Follows documents in a thread; resolves when their index is up to date for the first time. */
async function follow(
  options: Omit<FollowInThreadOptions, 'onReport' | 'onError'>,
): Promise<{ readonly report: IndexReport; readonly follower: DocumentFollower }> {
  const { logger, onProgress } = options
  const first = Promise.withResolvers<IndexReport>()
  let isOpen = false
  const follower = followInThread({
    ...options,
    onProgress: (progress) => {
      if (!isOpen) onProgress(progress)
    },
    onReport: (report) => {
      first.resolve(report)
      const { leftOut, ...counts } = report
      const isNews = counts.added + counts.changed + counts.removed > 0
      if (isOpen && isNews) logger.info({ ...counts, leftOut: leftOut.length }, 'documents followed')
    },
    onError: (error) => {
      first.reject(error)
      if (isOpen) logger.warn({ error: error.message }, 'documents could not be followed; it is tried again')
    },
  })
  try {
    const report = await first.promise
    isOpen = true
    return { report, follower }
  } catch (error) {
    await follower.close()
    throw error
  }
}
