import type { InvariantName, Violation } from './invariants.ts'

interface Entry {
  readonly atMs: number
  readonly text: string
}

/** How many lines before the offending one are shown. */
const most = 60

/** What happened in one run, in virtual time, and the first thing that was wrong about it. */
export class Timeline {
  /** The first; later ones may only follow from it. */
  violation: Violation | undefined
  private readonly entries: Entry[] = []
  private readonly now: () => number
  private offending = -1

  constructor(now: () => number) {
    this.now = now
  }

  note(text: string): void {
    // What happens after the offending step is not to be read.
    if (this.violation === undefined) this.entries.push({ atMs: this.now(), text })
  }

  /** Something is wrong, and the last thing that happened shows it. */
  fault(invariant: InvariantName, message: string, cause?: unknown): void {
    if (this.violation !== undefined) return
    // A step that shows nothing but the fault is a step of its own, e.g. a timer that should not be there.
    const last = this.entries.at(-1)
    if (last === undefined || last.atMs !== this.now()) this.note('at this moment')
    this.violation = { invariant, message, ...(cause !== undefined && { cause }) }
    this.offending = this.entries.length - 1
  }

  /** An error of the subject's that nobody handled is told instead of what it has led to. */
  isDueTo(error: unknown): void {
    const message = `it throws where nothing catches it: ${String(error)}`
    this.fault('The subject itself', message, error)
    this.violation = { invariant: 'The subject itself', message, cause: error }
  }

  /** One line for each event: the same run gives the same lines. */
  get lines(): readonly string[] {
    const width = Math.max(...this.entries.map(({ atMs }) => String(atMs).length), 4)
    return this.entries.map(({ atMs, text }, index) => {
      const mark = index === this.offending ? '>' : ' '
      return `${mark} ${String(atMs).padStart(width)} ms  ${text}`
    })
  }

  /** The lines as text, the first left out where they are too many. */
  toString(): string {
    const { lines } = this
    const left = lines.length - most
    return left > 0 ? [`  (${left} lines before)`, ...lines.slice(left)].join('\n') : lines.join('\n')
  }
}
