import type { Observable } from 'rxjs'
import type { AnyActorLogic } from 'xstate'
import type { RestartPolicy } from './supervision-rules.ts'

/** What a child's function is given. */
export interface ChildContext {
  /**
   * Aborted when the child is to stop. A child that has looked at it is then given `shutdownTimeoutMs` to end; one that
   * never did is unsubscribed at once.
   */
  readonly signal: AbortSignal
}

/** Starts a child that is a function. */
export type ChildStart = (context: ChildContext) => Observable<unknown> | PromiseLike<unknown>

/** A child, how to start it, at first and again, and how to stop it. */
export interface ChildSpec {
  /** Unique among its siblings. */
  readonly id: string
  /**
   * XState logic, or a function that gives an Observable or a promise; its error is the child's crash. A machine that
   * takes the event `{ type: 'stop' }` by its name is told by it that it is to stop; one whose `'*'` would take it is
   * not.
   */
  readonly start: AnyActorLogic | ChildStart
  /**
   * When it is started again: `'transient'`, the default, when it crashed; `'permanent'` also when it ended;
   * `'temporary'` never, not even with its group.
   */
  readonly restart?: RestartPolicy
  /**
   * How long it may take to stop when it was asked to, 0 …; then it is stopped at once. Default 5,000 ms, for a
   * supervisor `Infinity`. One that cannot be asked, or has 0, is stopped at once.
   */
  readonly shutdownTimeoutMs?: number
}
