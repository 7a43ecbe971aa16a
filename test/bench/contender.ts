/** One of those that are measured side by side: carries a request through five stages. */
export interface Contender<Result> {
  /** Submits request `id` as a caller would; the promise is what that caller waits for. */
  submit(id: number): PromiseLike<Result>
  /** The answer's text; throws when there is none. */
  textOf(result: Result): string
  /** Throws when its own books do not say that so many requests have completed since its start. */
  check(completed: number): Promise<void>
}
