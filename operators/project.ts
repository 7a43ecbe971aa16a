import type { ObservableInput } from 'rxjs'

/** What is done with each item. What it throws, rejects with or errors with is that item's outcome alone. */
export type Project<T, R> = (value: T, index: number, context: ProjectContext) => ObservableInput<R>

/** What a project is told beside its value. */
export interface ProjectContext {
  /** Aborted when the output is unsubscribed or ends early; created when first read. */
  readonly signal: AbortSignal
}
