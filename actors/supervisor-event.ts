/** What a supervisor decides when a child has fallen. */
export interface Decision {
  /**
   * `'restart'`: it is started again, with its group. `'covered'`: it is being stopped or started again anyway, so it
   * does not count. `'leave'`: it is not started again. `'escalate'`: the supervisor gives up.
   */
  readonly decision: 'restart' | 'covered' | 'leave' | 'escalate'
  /** Restarts within `withinMs`, or all where `maxRestarts` is `Infinity`, with the one that this is the reason for. */
  readonly restarts: number
  /** From when the last of the group has stopped until the first is started. */
  readonly delayMs: number
  /** Whom the supervisor stops, in this order. */
  readonly stopping: readonly string[]
  /** Whom it starts when all have stopped and the delay is over, in this order. */
  readonly starting: readonly string[]
}

/** What a supervisor tells of its children: `actor.on(type, …)`. All but `error` and `reason` is plain data. */
export type SupervisorEvent =
  | { readonly type: 'started'; readonly id: string }
  /** It is started again, because child `by` fell; `restarts` within `withinMs`. */
  | { readonly type: 'restarted'; readonly id: string; readonly by: string; readonly restarts: number }
  | ({ readonly type: 'crashed'; readonly id: string; readonly error: unknown } & Decision)
  /** It has ended by itself. */
  | ({ readonly type: 'stopped'; readonly id: string; readonly how: 'ended' } & Decision)
  /**
   * The supervisor has stopped it; `'forced'` is one that was asked to and was still there after `shutdownTimeoutMs`.
   * `error` is what it failed with when it was asked.
   */
  | { readonly type: 'stopped'; readonly id: string; readonly how: 'stopped' | 'forced'; readonly error?: unknown }
  /** The supervisor gives up for the sake of this child, and ends with `reason` when all have stopped. */
  | {
      readonly type: 'escalated'
      readonly id: string
      readonly error: unknown
      readonly reason: unknown
      readonly restarts: number
    }
