import { resolve } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import {
  checkClock,
  checkInteger,
  checkKeys,
  checkMethods,
  checkText,
  type Clock,
  show,
  systemClock,
} from '../../operators/index.ts'
import { type Logger, silentLogger } from '../logger.ts'
import { chunkLimits, type ChunkLimits, type ChunkOptions, chunkOptionNames } from './chunk-limits.ts'
import { checkFilter, checkMetadata } from './document-metadata.ts'
import type { Embedder } from './embedder.ts'
import { embedPassages } from './embed-passages.ts'
import { embedQuestion } from './embed-question.ts'
import { createIndexWriter, type CutDocument } from './index-writer.ts'
import { RetrievalError } from './retrieval-error.ts'
import type { DocumentIndex, SearchOptions, SourceDocument } from './retriever.ts'
import { readPart, searchTerms } from './search-terms.ts'
import { explained, explainedLater, inLongTransaction, loadVectors, openIndex } from './sqlite-index.ts'
import { createSqliteSearch } from './sqlite-search.ts'
import { createSearchThreads, type SearchThreads } from './sqlite-search-threads.ts'
import { atOnce, inSlices, type Steps } from './steps.ts'

/** Where the index is kept, how documents are cut, and how it is searched. */
export interface SqliteRetrieverOptions extends ChunkOptions {
  /** A file, created with its folder when it is missing, or `':memory:'`. */
  readonly path: string
  /** How long a write waits, blocking, for another process's, 0 … 60,000 ms; default 1,000. */
  readonly busyTimeoutMs?: number
  /** Threads that search, 1 … 32; default 2. An index in memory is searched on the calling thread. */
  readonly workers?: number
  /** Makes vectors of passages and questions, so that they are found by meaning too; default: words alone. */
  readonly embedder?: Embedder
  /** How long a search waits for its question's vector before it goes by words alone, 1 … 60,000 ms; default 2,000. */
  readonly embedTimeoutMs?: number
  /** Hears when an index of an earlier version is emptied, and when a question cannot be embedded; default: nobody. */
  readonly logger?: Logger
  /** Default: the machine's clock. */
  readonly clock?: Clock
}

const optionNames = ['path', 'busyTimeoutMs', 'workers', 'embedder', 'embedTimeoutMs', 'logger', 'clock']

/** A question's terms; each costs a look into the index. */
const maxTerms = 32

/**
 * A retriever on SQLite's full-text index, ranked by BM25, and by the nearness of vectors where it is given an
 * embedder: one file (or memory), no server.
 *
 * By words a passage is found when it shares one with the question, in any inflection (Porter's stemmer, made for
 * English) and with or without diacritics: in its text, its headings or its document's name. A question is only
 * ever words; nothing in it is syntax. In a large index the question's most frequent words are left out, so that a
 * search takes a few milliseconds. With an embedder the ranking by words and the one by cosine are fused by
 * reciprocal rank; where the question cannot be embedded, words alone decide and the log says so. Scores are
 * BM25's, or the fusion's; greater is better. Neighbours that share text are given as one passage, the same text in
 * several documents once.
 *
 * Searches run in threads of their own with connections that can only read: the event loop is not blocked, and a
 * `signal` takes back a search that waits. Writing happens on the calling thread, in slices: `add` replaces each document
 * whole, skips those that are unchanged, and writes all or nothing of what it is given; add documents in groups
 * (`indexDocuments` does).
 *
 * @example
 * ```ts
 * const retriever = createSqliteRetriever({ path: '.spillway/retrieval.db' })
 * await retriever.add([{ source: 'guide.md', text: '# Draining\n\nEach channel is emptied first.' }])
 * await retriever.search('How does a drain work?')
 * ```
 *
 * @throws RetrievalError when the file cannot be opened, RangeError or TypeError for a bad option.
 * @see https://www.sqlite.org/fts5.html#the_bm25_function
 */
export function createSqliteRetriever(options: SqliteRetrieverOptions): DocumentIndex {
  const settings = checkOptions(options)
  const { path, busyTimeoutMs, embedder, timeoutMs, logger, clock } = settings
  const database = openIndex(path, busyTimeoutMs, logger)
  const searches = openSearches(settings, database)
  const writer = createIndexWriter(database, settings.limits, embedder?.model)
  const closing = new AbortController()
  const question = embedder && { embedder, path, timeoutMs, clock, logger, closing: closing.signal }

  /**
   * The last use of the connection that writes: embedding takes a while, and no document may be replaced by an earlier
   * version.
   */
  let lastWrite: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => T | Promise<T>): Promise<T> => {
    const done = lastWrite.then(work)
    lastWrite = done.catch(() => undefined)
    return done
  }
  /** Searches of an index in memory have the same connection, and must not find half of a document. */
  const writeSteps = (steps: Steps<void>): Promise<void> =>
    path === ':memory:' ? promised(() => atOnce(steps)) : inSlices(steps, clock)
  const write = (steps: Steps<void>): Promise<void> =>
    explainedLater(path, () => inLongTransaction(database, () => writeSteps(steps)))

  const addAll = async (documents: readonly SourceDocument[]): Promise<void> => {
    const changed = await explainedLater(path, () => inSlices(cutAll(documents), clock))
    const vectors = embedder && (await embedPassages(embedder, path, changed, closing.signal))
    await write(replaceAll(changed, vectors))
  }
  const cutAll = function* (documents: readonly SourceDocument[]): Steps<readonly CutDocument[]> {
    const changed: CutDocument[] = []
    // Of two documents of one name the last counts.
    const named = new Map(documents.map((document) => [document.source, document]))
    for (const document of named.values()) {
      const cut = yield* writer.cut(document)
      if (cut !== undefined) changed.push(cut)
    }
    return changed
  }
  const replaceAll = function* (
    documents: readonly CutDocument[],
    vectors: readonly (readonly Float32Array[])[] | undefined,
  ): Steps<void> {
    for (const [index, document] of documents.entries()) yield* writer.replace(document, vectors?.[index])
  }
  const removeAll = function* (sources: readonly string[]): Steps<void> {
    for (const source of sources) {
      writer.remove(source)
      yield
    }
  }

  const search = async (query: string, { topK = 4, filter, signal, onFallback }: SearchOptions = {}) => {
    checkInteger('topK', topK, { min: 1, max: 100 })
    if (typeof query !== 'string') throw new TypeError(`query must be a string, got ${show(query)}`)
    checkFilter('filter', filter)
    signal?.throwIfAborted()
    const read = readPart(query)
    const terms = searchTerms(read, maxTerms)
    if (terms.length === 0) return []
    const all = { terms, topK, filter, embedding: undefined }
    if (question === undefined) return searches.search(all, signal)
    const vector = await embedQuestion(read, question, signal)
    if (vector === undefined) onFallback?.()
    return searches.search({ ...all, embedding: vector && { model: question.embedder.model, vector } }, signal)
  }

  return {
    search,
    add: async (documents) => {
      documents.forEach(({ metadata }, index) => {
        checkMetadata(`documents[${index}].metadata`, metadata)
      })
      await inTurn(() => addAll(documents))
    },
    remove: (sources) => inTurn(() => write(removeAll(sources))),
    sources: () =>
      inTurn(() =>
        explained(path, () => {
          const rows = database.prepare('SELECT source FROM documents ORDER BY source').all()
          return rows.map((row) => String(row['source']))
        }),
      ),
    digests: () => inTurn(() => explained(path, writer.digests)),
    close: async () => {
      closing.abort(new RetrievalError(path, 'the retrieval index is closed'))
      await lastWrite
      await searches.close()
      if (database.isOpen) explained(path, () => database.close())
    },
  }
}

/** A database in memory belongs to its connection, so only the calling thread can search it. */
function openSearches({ path, busyTimeoutMs, embedder, workers }: Settings, database: DatabaseSync): SearchThreads {
  const withVectors = embedder !== undefined
  if (path !== ':memory:') return createSearchThreads({ path, busyTimeoutMs, withVectors }, workers)
  if (withVectors) loadVectors(path, database)
  const search = createSqliteSearch(database, withVectors)
  return {
    search: (query) => promised(() => explained(path, () => search(query))),
    close: () => Promise.resolve(),
  }
}

interface Settings {
  readonly path: string
  readonly busyTimeoutMs: number
  readonly workers: number
  readonly embedder: Embedder | undefined
  readonly timeoutMs: number
  readonly logger: Logger
  readonly clock: Clock
  readonly limits: ChunkLimits
}

function checkOptions(options: SqliteRetrieverOptions): Settings {
  checkKeys('createSqliteRetriever', options, [...optionNames, ...chunkOptionNames])
  const {
    path,
    busyTimeoutMs = 1_000,
    workers = 2,
    embedder,
    embedTimeoutMs = 2_000,
    logger = silentLogger,
    clock = systemClock,
    ...cutting
  } = options
  const limits = chunkLimits(cutting)
  checkInteger('busyTimeoutMs', busyTimeoutMs, { min: 0, max: 60_000 })
  checkInteger('workers', workers, { min: 1, max: 32 })
  if (embedder !== undefined) {
    checkMethods('embedder', embedder, 'an Embedder', ['embed'])
    checkText('embedder.model', embedder.model)
  }
  const timeoutMs = checkInteger('embedTimeoutMs', embedTimeoutMs, { min: 1, max: 60_000 })
  return {
    // An absolute path is never taken for one of SQLite's `file:` addresses.
    path: checkText('path', path) === ':memory:' ? path : resolve(path),
    busyTimeoutMs,
    workers,
    embedder,
    timeoutMs,
    logger,
    clock: checkClock('clock', clock),
    limits,
  }
}

/** What `work` returns or throws, as a promise. */
function promised<T>(work: () => T): Promise<T> {
  return new Promise((resolve) => {
    resolve(work())
  })
}
