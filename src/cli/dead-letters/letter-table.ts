import type { StoredDeadLetter } from '../../stores/index.ts'
import { printable } from '../../printable.ts'
import { spokenDuration } from './moment.ts'

/** The columns, and what stands in them. */
const columns = [
  ['ID', ({ submissionId }) => submissionId],
  ['PIPELINE', ({ pipeline }) => pipeline],
  ['STAGE', ({ stage }) => stage],
  [
    'KIND/REASON',
    ({ kind, reason, unreadable }) => `${kind}/${reason}${unreadable === undefined ? '' : ' (unreadable)'}`,
  ],
  ['STATE', ({ state }) => state],
  ['ATTEMPTS', ({ attempts }) => String(attempts)],
  ['AGE', ({ firstSeenAt }, now) => spokenDuration(now - firstSeenAt)],
] as const satisfies readonly (readonly [string, (letter: StoredDeadLetter, now: number) => string])[]

const gap = '  '
/** What a column keeps when there is no room: a letter and the sign that there was more. */
const narrowest = 4

/** A table of dead letters, whose columns are as wide as its first entries need. */
export interface LetterTable {
  readonly head: string
  row(letter: StoredDeadLetter): string
}

/**
 * Lays out a table.
 *
 * @param entries The first ones.
 * @param width How long a line may be; `undefined` for as long as it takes.
 * @param now The time of day, from which ages count.
 */
export function letterTable(entries: readonly StoredDeadLetter[], width: number | undefined, now: number): LetterTable {
  const cells = (letter: StoredDeadLetter): readonly string[] => columns.map(([, read]) => printable(read(letter, now)))
  const head = columns.map(([title]) => title)
  const rows = entries.map(cells)
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((row) => lengthOf(row[at] ?? ''))))
  if (width !== undefined) shrink(widths, width)
  const line = (texts: readonly string[]): string => {
    const padded = texts.map((text, at) => (width === undefined ? text : cut(text, widths[at] ?? 0)))
    return padded
      .map((text, at) => text + ' '.repeat(Math.max(0, (widths[at] ?? 0) - lengthOf(text))))
      .join(gap)
      .trimEnd()
  }
  return { head: line(head), row: (letter) => line(cells(letter)) }
}

/** Takes from the widest until all fit, and from the ids, which are there to be copied, last. */
function shrink(widths: number[], width: number): void {
  const excess = (): number => widths.reduce((sum, each) => sum + each, gap.length * (widths.length - 1)) - width
  while (excess() > 0) {
    const others = widths.slice(1)
    const widest = Math.max(...others)
    if (widest > narrowest) widths[1 + others.indexOf(widest)] = widest - 1
    else if ((widths[0] ?? 0) > narrowest) widths[0] = Math.max(narrowest, (widths[0] ?? 0) - excess())
    else return
  }
}

function cut(text: string, width: number): string {
  return lengthOf(text) <= width
    ? text
    : `${Array.from(text)
        .slice(0, width - 1)
        .join('')}…`
}

function lengthOf(text: string): number {
  return Array.from(text).length
}
