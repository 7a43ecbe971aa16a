import { relative, resolve, sep } from 'node:path'
import { watch } from 'chokidar'
import { checkFunction, checkKeys } from '../../operators/index.ts'
import { FileMemory } from './file-memory.ts'
import { isPassedOver } from './find-documents.ts'
import { updateIndex } from './index-documents.ts'
import { checkIndexing, type IndexOptions, indexOptionNames } from './index-options.ts'
import type { IndexReport } from './index-report.ts'
import type { DocumentIndex } from './retriever.ts'

/** How documents are followed. */
export interface FollowOptions extends Omit<IndexOptions, 'signal'> {
  /** Hears what the index holds each time that it has been brought up to date. */
  readonly onReport: (report: IndexReport) => void
  /** Hears why it could not be; it is tried again after 5,000 ms, or at the next change. */
  readonly onError: (error: unknown) => void
}

/** An index that follows its documents. */
export interface DocumentFollower {
  /** Stops between two groups of documents. */
  close(): Promise<void>
}

/** A change is acted upon when nothing more has changed for so long, and at the latest after the longest wait. */
const quietMs = 200
const longestWaitMs = 2_000
const retryMs = 5_000

/**
 * Brings an index up to date and does so again whenever a document is changed, added, renamed or removed, until it is
 * closed. Changes that come together are one update, and only what has changed is read again. Nothing that goes wrong
 * ends it: a path that is missing is an error each time, and followed again when it is back.
 *
 * @example
 * ```ts
 * const follower = followDocuments(retriever, ['docs'], { onReport: console.log, onError: console.error })
 * // …
 * await follower.close()
 * ```
 *
 * @throws RangeError or TypeError for an empty path or a bad option.
 */
export function followDocuments(
  index: DocumentIndex,
  paths: readonly string[],
  options: FollowOptions,
): DocumentFollower {
  return followWith(new FileMemory(), index, paths, options)
}

/** `followDocuments` with a memory of one's own. */
export function followWith(
  memory: FileMemory,
  index: DocumentIndex,
  paths: readonly string[],
  options: FollowOptions,
): DocumentFollower {
  const { onReport, onError, ...indexing } = options
  checkKeys('followDocuments', indexing, indexOptionNames)
  checkFunction('onReport', onReport)
  checkFunction('onError', onError)
  const closing = new AbortController()
  const settings = { ...checkIndexing(paths, indexing), signal: closing.signal }
  const { clock, logger } = settings
  let timer: unknown
  let running: Promise<void> | undefined
  /** When the first change happened that is not in the index. */
  let changedAt: number | undefined

  /** What a callback throws must not end the process; that of `onError` there is nobody left to hear. */
  const fail = (error: unknown): void => {
    try {
      onError(error)
    } catch (cause) {
      logger.error({ error: cause }, 'the onError of followDocuments has thrown')
    }
  }
  const update = async (): Promise<void> => {
    changedAt = undefined
    try {
      onReport(await updateIndex(index, paths, settings, memory))
    } catch (error) {
      if (closing.signal.aborted) return
      fail(error)
      later(retryMs)
    }
  }
  const start = (): void => {
    running = update().finally(() => {
      running = undefined
      if (changedAt !== undefined) later(quietMs)
    })
  }
  const later = (ms: number): void => {
    clock.clearTimeout(timer)
    if (!closing.signal.aborted) timer = clock.setTimeout(start, ms)
  }
  const onChange = (path: string): void => {
    memory.forget(path)
    changedAt ??= clock.now()
    if (running === undefined) later(Math.max(0, Math.min(quietMs, changedAt + longestWaitMs - clock.now())))
  }

  const watcher = watch([...paths], {
    ignoreInitial: true,
    ignorePermissionErrors: true,
    ignored: (path) => isIgnored(path, paths),
  })
  watcher.on('all', (_event, path) => {
    onChange(resolve(path))
  })
  watcher.on('error', fail)
  // What changes before the watcher is ready it never tells: an update has to begin after that. It may never be ready,
  // as when a folder is removed while it reads it, so the first update does not wait for it for long.
  watcher.once('ready', () => {
    changedAt ??= clock.now()
    if (running === undefined) later(0)
  })
  later(longestWaitMs)

  return {
    async close() {
      closing.abort(new Error('the documents are no longer followed'))
      clock.clearTimeout(timer)
      await watcher.close()
      await running
    },
  }
}

/** Whether a file is in one of the paths only through folders that are passed over. */
function isIgnored(path: string, paths: readonly string[]): boolean {
  return paths.every((given) => {
    const below = relative(resolve(given), resolve(path)).split(sep)
    return below[0] === '..' || below.some((name) => name !== '' && isPassedOver(name))
  })
}
