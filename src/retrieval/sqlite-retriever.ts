import { resolve } from 'node:path'
import type { SQLOutputValue } from 'node:sqlite'
import { checkInteger, checkKeys, checkText, show } from '../../operators/index.ts'
import { type Logger, silentLogger } from '../logger.ts'
import { chunkLimits, type ChunkOptions } from './chunk-document.ts'
import { createIndexWriter } from './index-writer.ts'
import { checkMetadata } from './document-metadata.ts'
import type { DocumentIndex, DocumentMetadata, Passage } from './retriever.ts'
import { searchTerms } from './search-terms.ts'
import { explained, inTransaction, openIndex } from './sqlite-index.ts'

/** Where the index is kept and how documents are cut. */
export interface SqliteRetrieverOptions extends ChunkOptions {
  /** A file, created with its folder when it is missing, or `':memory:'`. */
  readonly path: string
  /** How long a write waits, blocking, for another process's, 0 … 60,000 ms; default 1,000. */
  readonly busyTimeoutMs?: number
  /** Hears when an index of an earlier version is emptied to be made again; default: nobody. */
  readonly logger?: Logger
}

/** A question's terms; each costs a walk through the passages that hold it. */
const maxTerms = 32

/** A word counts three times in the document's name and four times in the headings what it counts in the text. */
const bestPassages = `
  SELECT documents.source, documents.metadata, passages.headings, passages.text, found.rank
  FROM (
    SELECT rowid AS id, bm25(words, 3.0, 4.0, 1.0) AS rank FROM words WHERE words MATCH ? ORDER BY rank, rowid LIMIT ?
  ) AS found
  JOIN passages ON passages.id = found.id
  JOIN documents ON documents.id = passages.document
  ORDER BY found.rank, found.id
`

/**
 * A retriever on SQLite's full-text index, ranked by BM25: one file (or memory), no server.
 *
 * A passage is found when it shares a word with the question, in any inflection (Porter's stemmer, made for
 * English) and with or without diacritics: in its text, its headings or its document's name. A question is only
 * ever words; nothing in it is syntax. Scores are BM25's, greater is better.
 *
 * `add` replaces each document whole, skips those whose content is unchanged, and writes all or nothing of
 * what it is given. SQLite runs on the calling thread: add documents in groups (`indexDocuments` does), and expect
 * a search to take longer the more passages share a word with the question.
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
  checkKeys('createSqliteRetriever', options, ['path', 'busyTimeoutMs', 'logger', 'maxChars', 'overlapChars'])
  const { path: given, busyTimeoutMs = 1_000, logger = silentLogger, ...cutting } = options
  const limits = chunkLimits(cutting)
  checkInteger('busyTimeoutMs', busyTimeoutMs, { min: 0, max: 60_000 })
  // An absolute path is never taken for one of SQLite's `file:` addresses.
  const path = checkText('path', given) === ':memory:' ? given : resolve(given)
  const database = openIndex(path, busyTimeoutMs, logger)
  const find = database.prepare(bestPassages)
  const writer = createIndexWriter(database, limits)
  const write = (work: () => void): Promise<void> =>
    promised(() => explained(path, () => inTransaction(database, work)))

  return {
    search: (query, { topK = 4, signal } = {}) =>
      promised(() => {
        checkInteger('topK', topK, { min: 1, max: 100 })
        if (typeof query !== 'string') throw new TypeError(`query must be a string, got ${show(query)}`)
        signal?.throwIfAborted()
        const terms = searchTerms(query, maxTerms)
        if (terms.length === 0) return []
        const match = terms.map((term) => `"${term}"`).join(' OR ')
        return explained(path, () => find.all(match, topK).map(passageOf))
      }),
    add: (documents) =>
      promised(() => {
        documents.forEach(({ metadata }, index) => checkMetadata(`documents[${index}].metadata`, metadata))
        return write(() => documents.forEach(writer.replace))
      }),
    remove: (sources) => write(() => sources.forEach(writer.remove)),
    sources: () =>
      promised(() =>
        explained(path, () => {
          const rows = database.prepare('SELECT source FROM documents ORDER BY source').all()
          return rows.map((row) => String(row['source']))
        }),
      ),
    digests: () => promised(() => explained(path, writer.digests)),
    close: () =>
      promised(() => {
        if (database.isOpen) explained(path, () => database.close())
      }),
  }
}

/** What `work` returns or throws, as a promise. */
function promised<T>(work: () => T | Promise<T>): Promise<T> {
  return new Promise((resolve) => {
    resolve(work())
  })
}

function passageOf(row: Record<string, SQLOutputValue>): Passage {
  const metadata = String(row['metadata'])
  return {
    source: String(row['source']),
    headings: JSON.parse(String(row['headings'])) as string[],
    text: String(row['text']),
    // SQLite's rank is the less the better.
    score: -Number(row['rank']),
    ...(metadata !== '{}' && { metadata: JSON.parse(metadata) as DocumentMetadata }),
  }
}
