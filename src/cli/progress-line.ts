import { clearLine, cursorTo } from 'node:readline'
import type { Clock } from '../../operators/index.ts'
import { printable } from '../printable.ts'

/** How far some work is. */
interface Progress {
  readonly done: number
  /** Absent where nobody knows. */
  readonly total?: number
  /** The name of what was dealt with last. */
  readonly source?: string
}

/** Shows how far some work is. */
export interface ProgressLine {
  readonly show: (progress: Progress) => void
  /** Takes the line away. */
  end(): void
}

const barWidth = 24
/** As much as the eye can follow. */
const showMs = 100

/**
 * One line that is written over, on a terminal; elsewhere nothing.
 *
 * @param what What is dealt with, e.g. `documents`.
 */
export function createProgressLine(
  output: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number },
  clock: Clock,
  what: string = 'documents',
): ProgressLine {
  const isTerminal = output.isTTY === true
  let startedAt = clock.now()
  let shownAt = startedAt
  let isShown = false
  let last = 0
  const clear = (): void => {
    if (!isShown) return
    cursorTo(output, 0)
    clearLine(output, 0)
  }
  return {
    show(progress) {
      const now = clock.now()
      // What is done with one piece of work is done; the next one begins.
      if (progress.done <= last) startedAt = now
      last = progress.done
      if (!isTerminal || now - shownAt < showMs) return
      shownAt = now
      clear()
      isShown = true
      const text = lineOf(what, progress, Math.max(1, now - startedAt))
      output.write(text.slice(0, (output.columns ?? 80) - 1))
    },
    end: clear,
  }
}

function lineOf(what: string, { done, total, source }: Progress, elapsedMs: number): string {
  const rate = `${Math.round((1_000 * done) / elapsedMs)} a second`
  const name = source === undefined ? '' : `: ${printable(source)}`
  if (total === undefined) return `${done} ${what}, ${rate}${name}`
  const filled = Math.min(barWidth, Math.round((barWidth * done) / total))
  return `[${'#'.repeat(filled).padEnd(barWidth, '.')}] ${done} of ${total} ${what}, ${rate}${name}`
}
