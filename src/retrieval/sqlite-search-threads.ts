import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { Channel } from '../../operators/index.ts'
import { RetrievalError } from './retrieval-error.ts'
import type { Passage } from './retriever.ts'
import type { SqliteQuery } from './sqlite-search.ts'

/** What a thread is started with. */
export interface SearchThreadData {
  readonly path: string
  readonly busyTimeoutMs: number
  readonly withVectors: boolean
}

/** What a thread answers a query with. */
export type SearchAnswer =
  { readonly passages: readonly Passage[] } | { readonly problem: string; readonly cause: unknown }

/** Threads that search an index, so that the caller's event loop is never blocked. */
export interface SearchThreads {
  /**
   * Searches in the first thread that is free. Rejects with the signal's reason as soon as it is aborted: a query
   * that waits is taken back, of one that runs the answer is ignored.
   */
  search(query: SqliteQuery, signal?: AbortSignal): Promise<readonly Passage[]>
  /** Ends all threads; queries under way reject. */
  close(): Promise<void>
}

/** How many queries may wait for a thread; one more is refused at once. */
const maxWaiting = 1_024

/** The built package has `.js` beside it, the sources `.ts`. */
const threadFile = new URL(`./sqlite-search-worker${extname(import.meta.url)}`, import.meta.url)

interface Job {
  readonly query: SqliteQuery
  readonly signal: AbortSignal | undefined
  readonly resolve: (passages: readonly Passage[]) => void
  readonly reject: (error: unknown) => void
  /** How many threads have died of it. */
  deaths: number
}

/**
 * Starts at most `size` threads, each when there is the first query for it. They do not keep the process alive
 * while nothing is searched. A thread that dies is replaced, and its query tried once more.
 *
 * @param program What each thread runs: it answers every `SqliteQuery` with one `SearchAnswer`.
 */
export function createSearchThreads(data: SearchThreadData, size: number, program: URL = threadFile): SearchThreads {
  const { path } = data
  const channel = new Channel<Job>({ capacity: maxWaiting, concurrency: size })
  const idle: Worker[] = []
  const busy = new Map<Worker, Job>()

  const finish = (worker: Worker, settle: (job: Job) => void): void => {
    const job = busy.get(worker)
    if (job === undefined) return
    busy.delete(worker)
    channel.release('completed')
    settle(job)
    channel.drain()
  }

  const onAnswer = (worker: Worker, answer: SearchAnswer): void => {
    worker.unref()
    idle.push(worker)
    finish(worker, ({ resolve, reject }) => {
      if ('passages' in answer) resolve(answer.passages)
      else reject(new RetrievalError(path, answer.problem, { cause: answer.cause }))
    })
  }

  const onDeath = (worker: Worker, cause: unknown): void => {
    const at = idle.indexOf(worker)
    if (at !== -1) idle.splice(at, 1)
    const job = busy.get(worker)
    if (job === undefined) return
    busy.delete(worker)
    job.deaths += 1
    if (job.deaths === 1 && job.signal?.aborted !== true) {
      channel.requeue([job])
      return
    }
    channel.release('failed')
    job.reject(new RetrievalError(path, 'the thread that searched the retrieval index has ended', { cause }))
    channel.drain()
  }

  const start = (): Worker => {
    // Flags of the process such as `--input-type` are for its own program and stop a thread's.
    const worker = new Worker(program, { workerData: data, name: 'spillway search', execArgv: [] })
    worker.on('message', (answer: SearchAnswer) => {
      onAnswer(worker, answer)
    })
    worker.on('error', (error) => {
      onDeath(worker, error)
    })
    worker.on('exit', () => {
      onDeath(worker, undefined)
    })
    return worker
  }

  channel.consume((job) => {
    const worker = idle.pop() ?? start()
    busy.set(worker, job)
    worker.ref()
    worker.postMessage(job.query)
  })

  return {
    search: (query, signal) =>
      new Promise((resolve, reject) => {
        signal?.throwIfAborted()
        const settled = (): void => {
          signal?.removeEventListener('abort', onAbort)
        }
        const job: Job = {
          query,
          signal,
          resolve: (passages) => {
            settled()
            resolve(passages)
          },
          reject: (error) => {
            settled()
            reject(error)
          },
          deaths: 0,
        }
        const onAbort = (): void => {
          channel.remove(job, 'cancelled')
          reject(signal?.reason as Error)
        }
        signal?.addEventListener('abort', onAbort, { once: true })
        const taken = channel.offer(job)
        if (taken === 'accepted') return
        job.reject(
          new RetrievalError(
            path,
            taken === 'shed' ? `${maxWaiting} searches wait for a thread already` : 'the retrieval index is closed',
          ),
        )
      }),
    close: async () => {
      channel.close()
      const threads = [...idle, ...busy.keys()]
      const left = [...busy.values(), ...channel.discard()]
      busy.clear()
      idle.length = 0
      for (const { reject } of left) reject(new RetrievalError(path, 'the retrieval index is closed'))
      await Promise.all(threads.map((worker) => worker.terminate()))
    },
  }
}
