/** The thread that follows a server's documents: it reads, cuts and writes through a connection of its own. */
import { parentPort, workerData } from 'node:worker_threads'
import { SpillwayError } from '../../operators/index.ts'
import type { Logger } from '../logger.ts'
import { FileMemory } from '../retrieval/file-memory.ts'
import { followWith } from '../retrieval/follow-documents.ts'
import { openaiEmbedder } from '../workers/index.ts'
import { openDocumentIndex } from './document-index.ts'
import type { FollowingThreadData, FollowingThreadMessage } from './follow-in-thread.ts'

const { place, maxBytes, embedding, leftOut } = workerData as FollowingThreadData

function tell(message: FollowingThreadMessage): void {
  parentPort?.postMessage(message)
}

function loggerWith(bound: object): Logger {
  const write =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (fields: object, message?: string): void => {
      tell({ kind: 'log', level, fields: { ...bound, ...fields }, message })
    }
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: (fields) => loggerWith({ ...bound, ...fields }),
  }
}

const memory = new FileMemory((path, signature) => {
  tell({ kind: 'read', path, signature })
})
for (const { path, reason, signature } of leftOut) memory.leaveOut(path, reason, signature)
const logger = loggerWith({})
const { index } = openDocumentIndex(place, logger, embedding && openaiEmbedder(embedding))
followWith(memory, index, place.paths, {
  root: place.root,
  maxBytes,
  logger,
  onProgress: (progress) => {
    tell({ kind: 'progress', progress })
  },
  onReport: (report) => {
    tell({ kind: 'report', report })
  },
  onError: (error) => {
    // An error of ours is no sentence for people; where it comes from is worth more.
    const problem = error instanceof SpillwayError ? error.message : ((error as Error).stack ?? String(error))
    tell({ kind: 'error', problem })
  },
})
