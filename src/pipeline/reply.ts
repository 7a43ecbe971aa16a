import type { Observable } from 'rxjs'
import type { Outcome } from './outcome.ts'

/** What a submission gives its caller: the answer to read, and how the request ends. */
export interface Reply<Output> extends AsyncIterable<Output> {
  /** The request's own `id`, or the submission's where it has none. */
  readonly id: string
  /** Unique to this submission. */
  readonly submissionId: string
  /** How the request has ended; `undefined` while it is in flight. */
  readonly settled: Outcome<Output> | undefined
  /** How the request ends; made when first read, never rejects. */
  readonly outcome: Promise<Outcome<Output>>
  /**
   * The answer: the value, or the stream's chunks; then completion, or the outcome as an error (`ShedError`,
   * `StageError`, `ExpiredError`, `CancelledError`). It has one subscriber: a second gets
   * `AlreadyConsumedError`. Unsubscribing cancels the request.
   */
  readonly output$: Observable<Output>
  /**
   * The answer for a reader that sets the pace: each step gives all chunks that are there, at least one, and
   * while the reader is busy at most `streamBuffer` chunks gather before the source is paused. Ends and errors
   * as `output$` does; returning early cancels. `for await` over the reply itself gives the chunks one by one.
   */
  batches(): AsyncIterableIterator<readonly Output[]>
  /**
   * Its reader has left and may come back: for so many milliseconds from now what is there does not count as unread,
   * and `stallTimeoutMs` runs only afterwards. 0 is for a reader that is back. The source waits as ever.
   */
  hold(ms: number): void
  /** Ends the request as `cancelled`; no effect on one that has ended. */
  cancel(reason?: unknown): void
}
