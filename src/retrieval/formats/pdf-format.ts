import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { RetrievalError } from '../retrieval-error.ts'
import type { DocumentMetadata } from '../retriever.ts'
import type { DocumentFormat, FileContent, ParsedFile } from './document-format.ts'

/** What the thread is asked. */
export interface PdfQuestion {
  readonly bytes: Uint8Array
  readonly maxPages: number
  readonly maxChars: number
}

/** What it answers. */
export type PdfAnswer = { readonly text: string; readonly metadata: DocumentMetadata } | { readonly problem: string }

/** How long one file may take, how much of it is read, and the memory of the thread that does. */
const limits = { timeoutMs: 60_000, maxPages: 5_000, maxChars: 20_000_000, memoryMb: 1_024 }

/** The built package has `.js` beside it, the sources `.ts`. */
const program = new URL(`./pdf-thread${extname(import.meta.url)}`, import.meta.url)

/** PDFs, and the thread that reads them. */
export interface PdfFormat extends DocumentFormat {
  /** Ends the thread. */
  close(): Promise<void>
}

/**
 * PDFs, written as Markdown: a heading for each page, the paragraphs in the order in which the file draws them.
 *
 * They are read one at a time in a thread of its own, which starts with the first of them, so that a file that was
 * made to hang or to fill the memory costs no more than itself: it is left out after 60 s or at 1 GB.
 *
 * @param timeoutMs How long a file may take; default 60,000.
 * @param threadFile What the thread runs: it answers every `PdfQuestion` with one `PdfAnswer`.
 */
export function createPdfFormat(timeoutMs: number = limits.timeoutMs, threadFile: URL = program): PdfFormat {
  let thread: Worker | undefined
  const end = async (): Promise<void> => {
    const ending = thread
    thread = undefined
    await ending?.terminate()
  }
  const start = (): Worker => {
    const started = new Worker(threadFile, {
      name: 'spillway pdf',
      resourceLimits: { maxOldGenerationSizeMb: limits.memoryMb },
    })
    const forget = (): void => {
      if (thread === started) thread = undefined
    }
    // It may also fail or end when it is asked nothing; the next file gets a new one.
    return started.on('error', forget).on('exit', forget)
  }
  const ask = (file: FileContent): Promise<PdfAnswer> => {
    thread ??= start()
    return answerOf(thread, file, timeoutMs)
  }
  return {
    name: 'pdf',
    extensions: ['pdf'],
    version: 1,
    async parse(file): Promise<ParsedFile> {
      let answer: PdfAnswer
      try {
        answer = await ask(file)
      } catch (error) {
        // What the thread is doing then nobody knows; the next file gets a new one.
        await end()
        throw error
      }
      if ('problem' in answer) throw new RetrievalError(file.path, answer.problem)
      return { text: answer.text, format: 'markdown', metadata: answer.metadata }
    },
    close: end,
  }
}

/** Rejects when the thread fails, takes too long, or the signal is aborted. */
function answerOf(thread: Worker, { path, bytes, clock, signal }: FileContent, timeoutMs: number): Promise<PdfAnswer> {
  return new Promise<PdfAnswer>((resolve, reject) => {
    signal?.throwIfAborted()
    const failed = (problem: string, cause?: unknown): void => {
      settle(() => {
        reject(new RetrievalError(path, problem, { cause }))
      })
    }
    const onMessage = (answer: PdfAnswer): void => {
      settle(() => {
        resolve(answer)
      })
    }
    const onError = (error: unknown): void => {
      failed(`is a PDF that cannot be read: ${(error as Error).message}`, error)
    }
    const onExit = (): void => {
      failed('is a PDF that cannot be read: the thread that read it has ended')
    }
    const onAbort = (): void => {
      settle(() => {
        reject(signal?.reason as Error)
      })
    }
    const timer = clock.setTimeout(() => {
      failed(`is a PDF that takes more than ${timeoutMs} ms to read`)
    }, timeoutMs)
    const settle = (end: () => void): void => {
      clock.clearTimeout(timer)
      thread.off('message', onMessage).off('error', onError).off('exit', onExit)
      signal?.removeEventListener('abort', onAbort)
      end()
    }
    thread.on('message', onMessage).on('error', onError).on('exit', onExit)
    signal?.addEventListener('abort', onAbort, { once: true })
    const question: PdfQuestion = { bytes, maxPages: limits.maxPages, maxChars: limits.maxChars }
    thread.postMessage(question)
  })
}
