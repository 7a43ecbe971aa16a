import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { openDocuments } from '../../src/cli/open-documents.ts'
import { serveSettings } from '../../src/cli/serve-settings.ts'
import { silentLogger } from '../../src/logger.ts'
import { indexDocuments } from '../../src/retrieval/index-documents.ts'
import { createSqliteRetriever } from '../../src/retrieval/sqlite-retriever.ts'
import { type LargeDocument, largeDocuments } from './large-documents.ts'
import type { Report, ReportLine } from './report.ts'

/** What the machine's other work makes of a loop that has nothing to do. */
const idleMs = 2_000

/** How late the event loop is while a large document is indexed: as `serve --watch-docs` does it, and on this thread. */
export async function ingesting(): Promise<Report> {
  const lines: ReportLine[] = [{ name: 'nothing', figure: await latest(() => delay(idleMs)) }]
  for (const document of largeDocuments()) {
    const folder = await mkdtemp(join(tmpdir(), 'spillway-ingest-'))
    try {
      console.error(document.what)
      lines.push({ name: `${document.what}, followed`, figure: await followed(document, folder) })
      lines.push({ name: `${document.what}, indexed on this thread`, figure: await indexed(document, folder) })
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }
  return { title: 'the longest between two turns of the event loop while a document is indexed; ms', lines }
}

/** A document that is written into a folder that `serve --watch-docs` follows. */
async function followed({ name, text }: LargeDocument, folder: string): Promise<string> {
  const docs = join(folder, 'docs')
  await mkdir(docs)
  // Made before: who writes a document is another process.
  const bytes = Buffer.from(text)
  const news = new EventTarget()
  const logger = { ...silentLogger, info: () => news.dispatchEvent(new Event('followed')) }
  const settings = serveSettings({ dataDir: join(folder, 'data'), docs: [docs], watchDocs: true }, {})
  const documents = await openDocuments(settings, logger)
  try {
    return await latest(async () => {
      const told = once(news, 'followed')
      await writeFile(join(docs, name), bytes)
      await told
    })
  } finally {
    await documents.close()
  }
}

/** A document that is indexed by `indexDocuments` in the process that asks for it. */
async function indexed({ name, text }: LargeDocument, folder: string): Promise<string> {
  await writeFile(join(folder, name), text)
  const index = createSqliteRetriever({ path: join(folder, 'index.db') })
  try {
    return await latest(() => indexDocuments(index, [join(folder, name)]))
  } finally {
    await index.close()
  }
}

/**
 * The longest that a timer is late while `work` is done, and the most processor time that this thread spends between two
 * of its turns, which the machine's other work does not change.
 */
async function latest(work: () => Promise<unknown>): Promise<string> {
  const lateness = monitorEventLoopDelay({ resolution: 1 })
  let most = 0
  let last = process.threadCpuUsage()
  const look = setInterval(() => {
    const { user, system } = process.threadCpuUsage(last)
    most = Math.max(most, user + system)
    last = process.threadCpuUsage()
  }, 1)
  lateness.enable()
  const startedAt = performance.now()
  await work()
  lateness.disable()
  clearInterval(look)
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
  return `${(most / 1e3).toFixed(0)} computing, ${(lateness.max / 1e6).toFixed(0)} late, in ${seconds} s`
}
