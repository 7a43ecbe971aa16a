import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { entryBudget } from '../../src/retrieval/rarest-terms.ts'
import type { DocumentIndex, SourceDocument } from '../../src/retrieval/retriever.ts'
import { searchTerms } from '../../src/retrieval/search-terms.ts'
import { createSqliteSearch, type SqliteQuery } from '../../src/retrieval/sqlite-search.ts'
import { createSqliteRetriever } from '../../src/retrieval/sqlite-retriever.ts'
import { type Corpus, createCorpus } from '../fixtures/corpus.ts'
import type { Report, ReportLine } from './report.ts'

const perSecond = 10
const seconds = 10
const inARow = 100
const groupSize = 500

type Search = (question: string) => Promise<unknown>

/** How long searches of 8 words take at a steady rate, and how late the event loop is meanwhile. */
export async function search(): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), 'spillway-search-'))
  try {
    const lines: ReportLine[] = []
    for (const passages of [10_000, 30_000]) lines.push(...(await searchIn(join(folder, `${passages}.db`), passages)))
    return { title: `${perSecond} searches a second for ${seconds} s; ms`, lines }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function searchIn(path: string, passages: number): Promise<readonly ReportLine[]> {
  console.error(`making an index of ${passages} passages`)
  const retriever = createSqliteRetriever({ path })
  try {
    await fill(retriever, createCorpus({ documents: passages }))
    const ways: Readonly<Record<string, Search>> = {
      'on this thread, every word': onThisThread(path, Infinity),
      'on this thread': onThisThread(path, entryBudget),
      'in 2 threads': (question) => retriever.search(question),
    }
    const lines: ReportLine[] = []
    for (const [way, searched] of Object.entries(ways)) {
      console.error(`searching ${passages} passages ${way}`)
      // The same questions for each.
      lines.push(...(await steadily(`${passages} passages, ${way}`, createCorpus({ documents: 0 }), searched)))
    }
    return lines
  } finally {
    await retriever.close()
  }
}

async function fill(retriever: DocumentIndex, corpus: Corpus): Promise<void> {
  let group: SourceDocument[] = []
  for (const document of corpus.documents()) {
    group.push(document)
    if (group.length < groupSize) continue
    await retriever.add(group)
    group = []
  }
  await retriever.add(group)
}

function onThisThread(path: string, budget: number): Search {
  const find = createSqliteSearch(new DatabaseSync(path, { readOnly: true }), false, budget)
  return (question) => {
    const query: SqliteQuery = { terms: searchTerms(question, 32), topK: 4, filter: undefined, embedding: undefined }
    return Promise.resolve(find(query))
  }
}

/** Asks at a steady rate, whatever becomes of the earlier questions; a search counts from when it was due. */
async function steadily(name: string, corpus: Corpus, searched: Search): Promise<readonly ReportLine[]> {
  await searched(corpus.question())
  // Processor time says what a search costs also where the machine has other work to do.
  const used = process.cpuUsage()
  for (let done = 0; done < inARow; done++) await searched(corpus.question())
  const { user, system } = process.cpuUsage(used)
  const lateness = monitorEventLoopDelay({ resolution: 1 })
  lateness.enable()
  const startedAt = performance.now()
  const took: Promise<number>[] = []
  for (let sent = 0; sent < perSecond * seconds; sent++) {
    const dueAt = startedAt + (sent * 1000) / perSecond
    await delay(Math.max(0, dueAt - performance.now()))
    took.push(searched(corpus.question()).then(() => performance.now() - dueAt))
  }
  const durations = (await Promise.all(took)).toSorted((a, b) => a - b)
  lateness.disable()
  const quantile = (share: number): string => (durations[Math.floor(share * durations.length)] ?? NaN).toFixed(1)
  return [
    { name: `${name}, processor time, mean`, figure: ((user + system) / 1000 / inARow).toFixed(1) },
    { name: `${name}, p50`, figure: quantile(0.5) },
    { name: `${name}, p99`, figure: quantile(0.99) },
    { name: `${name}, event loop's delay, p99`, figure: (lateness.percentile(99) / 1e6).toFixed(1) },
  ]
}
