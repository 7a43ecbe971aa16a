/** The thread of one search connection: it is sent a query at a time and answers each with one message. */
import { parentPort, workerData } from 'node:worker_threads'
import { RetrievalError } from './retrieval-error.ts'
import { explained, openForReading } from './sqlite-index.ts'
import { createSqliteSearch, type SqliteQuery } from './sqlite-search.ts'
import type { SearchAnswer, SearchThreadData } from './sqlite-search-threads.ts'

const { path, busyTimeoutMs, withVectors } = workerData as SearchThreadData
let search: ReturnType<typeof createSqliteSearch> | undefined

parentPort?.on('message', (query: SqliteQuery) => {
  parentPort?.postMessage(answer(query))
})

function answer(query: SqliteQuery): SearchAnswer {
  try {
    return {
      passages: explained(path, () => {
        search ??= createSqliteSearch(openForReading(path, busyTimeoutMs, withVectors), withVectors)
        return search(query)
      }),
    }
  } catch (error) {
    if (!(error instanceof RetrievalError)) throw error
    return { problem: error.problem, cause: error.cause }
  }
}
