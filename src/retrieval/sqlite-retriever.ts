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
import { chunkLimits, type ChunkOptions } from './chunk-document.ts'
import { checkFilter, checkMetadata } from './document-metadata.ts'
import type { Embedder } from './embedder.ts'
import { embedPassages } from './embed-passages.ts'
import { embedQuestion } from './embed-question.ts'
import { createIndexWriter } from './index-writer.ts'
import { RetrievalError } from './retrieval-error.ts'
import type { DocumentIndex, SearchOptions, SourceDocument } from './retriever.ts'
import { readPart, searchTerms } from './search-terms.ts'
import { explained, inTransaction, loadVectors, openIndex } from './sqlite-index.ts'
import { createSqliteSearch } from './sqlite-search.ts'
import { createSearchThreads, type SearchThreads } from './sqlite-search-threads.ts'

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
 * `signal` takes back a search that waits. Writing happens on the calling thread: `add` replaces each document
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

  /** The last of the writes: embedding takes a while, and no document may be replaced by an earlier version. */
  let lastWrite: Promise<unknown> = Promise.resolve()
  const inTurn = (work: () => void | Promise<void>): Promise<void> => {
    const done = lastWrite.then(work)
    lastWrite = done.catch(() => undefined)
    return done
  }
  const write = (work: () => void): void => {
    explained(path, () => {
      inTransaction(database, work)
    })
  }

  const addAll = async (documents: readonly SourceDocument[]): Promise<void> => {
    // Of two documents of one name the last counts.
    const named = new Map(documents.map((document) => [document.source, document]))
    const changed = explained(path, () => [...named.values()].flatMap((document) => writer.cut(document) ?? []))
    const vectors = embedder && (await embedPassages(embedder, path, changed, closing.signal))
    write(() => {
      changed.forEach((document, index) => {
        writer.replace(document, vectors?.[index])
      })
    })
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
    remove: (sources) =>
      inTurn(() => {
        write(() => sources.forEach(writer.remove))
      }),
    sources: () =>
      promised(() =>
        explained(path, () => {
          const rows = database.prepare('SELECT source FROM documents ORDER BY source').all()
          return rows.map((row) => String(row['source']))
        }),
      ),
    digests: () => promised(() => explained(path, writer.digests)),
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
  readonly limits: Required<ChunkOptions>
}

function checkOptions(options: SqliteRetrieverOptions): Settings {
  checkKeys('createSqliteRetriever', options, [...optionNames, 'maxChars', 'overlapChars'])
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
