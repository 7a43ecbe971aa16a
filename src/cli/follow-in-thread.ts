import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Clock, TimerHandle } from '../../operators/index.ts'
import type { Logger } from '../logger.ts'
import type { DocumentFollower } from '../retrieval/follow-documents.ts'
import type { IndexProgress, IndexReport } from '../retrieval/index-report.ts'
import type { FileSignature } from '../retrieval/read-file.ts'
import type { IndexPlace } from './document-index.ts'
import type { EmbeddingSettings } from './embedding-settings.ts'

/** What the thread is started with. */
export interface FollowingThreadData {
  readonly place: IndexPlace
  readonly maxBytes: number
  readonly embedding: EmbeddingSettings | undefined
  /** Files that earlier threads have ended of. */
  readonly leftOut: readonly DeadlyFile[]
}

/** A file that has ended a thread, as it was then. */
interface DeadlyFile {
  readonly path: string
  readonly reason: string
  readonly signature: FileSignature
}

/** What the thread tells; `read` before it reads a file, with what that is, if it is there. */
export type FollowingThreadMessage =
  | {
      readonly kind: 'log'
      readonly level: 'debug' | 'info' | 'warn' | 'error'
      readonly fields: object
      readonly message: string | undefined
    }
  | { readonly kind: 'read'; readonly path: string; readonly signature: FileSignature | undefined }
  | { readonly kind: 'progress'; readonly progress: IndexProgress }
  | { readonly kind: 'report'; readonly report: IndexReport }
  | { readonly kind: 'error'; readonly problem: string }

/** Which documents are followed, and who hears of it. */
export interface FollowInThreadOptions extends Omit<FollowingThreadData, 'leftOut'> {
  readonly logger: Logger
  readonly clock: Clock
  readonly onProgress: (progress: IndexProgress) => void
  readonly onReport: (report: IndexReport) => void
  /** Hears why the index could not be brought up to date; it is tried again. */
  readonly onError: (error: Error) => void
}

/** A thread that has ended is started again after so long. */
const restartMs = 5_000

/** The built package has `.js` beside it, the sources `.ts`. */
const threadFile = new URL(`./following-thread${extname(import.meta.url)}`, import.meta.url)

/**
 * `followDocuments` in a thread of its own, so that no document, however large, keeps the server from answering.
 *
 * A thread that ends is started again, and goes on from what is in the index. The file that it was reading then is
 * left out until it changes, so that it does not keep the others from being indexed.
 *
 * @param program What the thread runs: it is given `FollowingThreadData` and tells `FollowingThreadMessage`s.
 */
export function followInThread(options: FollowInThreadOptions, program: URL = threadFile): DocumentFollower {
  const { place, maxBytes, embedding, logger, clock, onProgress, onReport, onError } = options
  const leftOut = new Map<string, DeadlyFile>()
  let thread: Worker | undefined
  let timer: TimerHandle
  let reading: Extract<FollowingThreadMessage, { readonly kind: 'read' }> | undefined

  const onMessage = (message: FollowingThreadMessage): void => {
    switch (message.kind) {
      case 'log':
        logger[message.level](message.fields, message.message)
        break
      case 'read':
        // It has changed, if it was left out.
        leftOut.delete(message.path)
        reading = message
        break
      case 'progress':
        onProgress(message.progress)
        break
      case 'report':
        reading = undefined
        onReport(message.report)
        break
      case 'error':
        reading = undefined
        onError(new Error(message.problem))
    }
  }

  const start = (): void => {
    const data: FollowingThreadData = { place, maxBytes, embedding, leftOut: [...leftOut.values()] }
    // Flags of the process such as `--input-type` are for its own program and stop a thread's.
    const started = new Worker(program, { workerData: data, name: 'spillway documents', execArgv: [] })
    let cause = 'without an error'
    thread = started
      .on('message', onMessage)
      .on('error', (error) => {
        cause = (error as Error).message
      })
      .on('exit', () => {
        if (thread !== started) return
        timer = clock.setTimeout(start, restartMs)
        if (reading === undefined) {
          onError(new Error(`the thread that follows the documents has ended: ${cause}`))
          return
        }
        const { path, signature } = reading
        reading = undefined
        logger.error({ path, error: cause }, 'the thread that follows the documents has ended of a document')
        const reason = `ended the thread that read it: ${cause}`
        if (signature !== undefined) leftOut.set(path, { path, reason, signature })
      })
  }

  start()
  return {
    async close() {
      clock.clearTimeout(timer)
      const ending = thread
      thread = undefined
      await ending?.terminate()
    },
  }
}
