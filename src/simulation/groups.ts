import { checkText } from '../../operators/index.ts'
import type { Outcome, OutcomeKind } from '../pipeline/outcome.ts'
import type { Reply } from '../pipeline/reply.ts'

/** How the requests of a group ended. */
export type GroupFigures = Record<'submitted' | OutcomeKind, number>

/** Counts how requests end, apart for each group. */
export class Groups {
  readonly figures: Record<string, GroupFigures> = {}
  private readonly groupOf: (request: unknown) => string
  /** Of those on their way, by submission. */
  private readonly open = new Map<string, GroupFigures>()

  constructor(groupOf: (request: unknown) => string) {
    this.groupOf = groupOf
  }

  /** A request was submitted; it may have ended already. */
  came(request: unknown, { submissionId, settled }: Reply<unknown>): void {
    const name = checkText('group', this.groupOf(request))
    this.figures[name] ??= { submitted: 0, completed: 0, shed: 0, failed: 0, expired: 0, cancelled: 0 }
    const figures = this.figures[name]
    figures.submitted += 1
    if (settled === undefined) this.open.set(submissionId, figures)
    else figures[settled.kind] += 1
  }

  ended({ submissionId, kind }: Outcome<unknown>): void {
    const figures = this.open.get(submissionId)
    if (figures === undefined) return
    this.open.delete(submissionId)
    figures[kind] += 1
  }
}
