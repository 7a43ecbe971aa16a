import { systemClock, messageOf } from '../../operators/index.ts'
import { silentLogger } from '../logger.ts'
import { followDocuments } from '../retrieval/follow-documents.ts'
import { indexDocuments } from '../retrieval/index-documents.ts'
import type { IndexProgress, IndexReport } from '../retrieval/index-report.ts'
import type { DocumentIndex } from '../retrieval/retriever.ts'
import { openaiEmbedder } from '../workers/index.ts'
import { openDocumentIndex } from './document-index.ts'
import type { IngestSettings } from './ingest-settings.ts'
import { printable } from '../printable.ts'
import { createProgressLine } from './progress-line.ts'
import { stopSignal } from './stop-signals.ts'

/**
 * Brings an index up to date, once or until the process is told to stop. Reports go to standard output, all else to
 * standard error.
 *
 * @returns The exit code: 0 when it did what was asked.
 * @throws RetrievalError naming a path that is not there, or the index.
 */
export async function ingest(settings: IngestSettings): Promise<number> {
  const logger = {
    ...silentLogger,
    info: (_fields: object, message?: string) => {
      console.error(message)
    },
    warn: (fields: object, message?: string) => {
      const { path, reason } = fields as { readonly path?: string; readonly reason?: string }
      console.error(`${printable(path ?? '')}: ${reason ?? message ?? ''}`)
    },
  }
  const root = process.cwd()
  const { file, index } = openDocumentIndex(
    { ...settings, root },
    logger,
    settings.embedding && openaiEmbedder(settings.embedding),
  )
  try {
    const work = settings.watch ? watchDocuments : indexOnce
    return await work(index, settings, { root, maxBytes: settings.maxBytes, logger }, file)
  } finally {
    await index.close()
  }
}

interface Indexing {
  readonly root: string
  readonly maxBytes: number
  readonly logger: typeof silentLogger
}

async function indexOnce(
  index: DocumentIndex,
  { paths, json }: IngestSettings,
  indexing: Indexing,
  file: string,
): Promise<number> {
  const controller = new AbortController()
  void stopSignal().then((signal) => {
    controller.abort(signal)
  })
  const line = createProgressLine(process.stderr, systemClock)
  let last: IndexProgress | undefined
  const onProgress = (progress: IndexProgress): void => {
    last = progress
    line.show(progress)
  }
  try {
    const report = await indexDocuments(index, paths, { ...indexing, signal: controller.signal, onProgress })
    line.end()
    print(report, file, json)
    return report.leftOut.some(({ isNamed }) => isNamed) ? 1 : 0
  } catch (error) {
    line.end()
    if (!controller.signal.aborted) throw error
    const { done = 0, total = 0 } = last ?? {}
    console.error(
      `${String(controller.signal.reason)}: stopped after ${done} of ${total} documents; the next run goes on`,
    )
    return 1
  }
}

async function watchDocuments(
  index: DocumentIndex,
  { paths, json }: IngestSettings,
  indexing: Indexing,
  file: string,
): Promise<number> {
  const stopping = stopSignal()
  const line = createProgressLine(process.stderr, systemClock)
  const follower = followDocuments(index, paths, {
    ...indexing,
    onProgress: line.show,
    onReport: (report) => {
      line.end()
      print(report, file, json)
    },
    onError: (error) => {
      line.end()
      console.error(`error: ${messageOf(error)}; it is tried again`)
    },
  })
  const signal = await stopping
  await follower.close()
  console.error(`${signal}: stopped`)
  return 0
}

function print(report: IndexReport, file: string, json: boolean): void {
  if (json) {
    console.log(JSON.stringify({ index: file, ...report }))
    return
  }
  const { documents, added, changed, unchanged, removed, leftOut, skipped } = report
  console.log(
    `${documents} document${documents === 1 ? '' : 's'} in ${file}: ${added} added, ${changed} changed, ` +
      `${unchanged} unchanged, ${removed} removed, ${leftOut.length} left out${listSkipped(skipped)}`,
  )
}

/** A folder of anything may have names of any ending. */
const mostKinds = 8

function listSkipped(skipped: IndexReport['skipped']): string {
  const kinds = Object.entries(skipped).sort(([, one], [, other]) => other - one)
  if (kinds.length === 0) return ''
  const listed = kinds.slice(0, mostKinds).map(([kind, count]) => `${count} ${printable(kind)}`)
  const rest = kinds.length - listed.length
  return `; skipped ${listed.join(', ')}${rest === 0 ? '' : ` and ${rest} other kind${rest === 1 ? '' : 's'}`}`
}
