import { clearLine, cursorTo } from 'node:readline'
import type { Clock } from '../../operators/index.ts'
import type { IndexProgress } from '../retrieval/index-report.ts'
import { printable } from './printable.ts'

/** Shows how far the indexing of documents is. */
export interface ProgressLine {
  readonly show: (progress: IndexProgress) => void
  /** Takes the line away. */
  end(): void
}

const barWidth = 24
/** As much as the eye can follow. */
const showMs = 100

/** One line that is written over, on a terminal; elsewhere nothing. */
export function createProgressLine(
  output: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number },
  clock: Clock,
): ProgressLine {
  const isTerminal = output.isTTY === true
  let startedAt = clock.now()
  let shownAt = startedAt
  let isShown = false
  const clear = (): void => {
    if (!isShown) return
    cursorTo(output, 0)
    clearLine(output, 0)
  }
  return {
    show(progress) {
      const now = clock.now()
      if (progress.done === 1) startedAt = now
      if (!isTerminal || now - shownAt < showMs) return
      shownAt = now
      clear()
      isShown = true
      const text = lineOf(progress, Math.max(1, now - startedAt))
      output.write(text.slice(0, (output.columns ?? 80) - 1))
    },
    end: clear,
  }
}

function lineOf({ done, total, source }: IndexProgress, elapsedMs: number): string {
  const filled = Math.round((barWidth * done) / total)
  const bar = '#'.repeat(filled).padEnd(barWidth, '.')
  const rate = Math.round((1_000 * done) / elapsedMs)
  return `[${bar}] ${done} of ${total} documents, ${rate} a second: ${printable(source)}`
}
