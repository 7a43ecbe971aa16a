import type { Linked } from '../operators/index.ts'
import type { Holding } from './stage-life.ts'

/** One run of a stage's handler on one item, as the handler sees it. */
export interface StageRun<T, S = unknown> {
  readonly item: T
  /** 1, or 2 after a crash of the stage put the item back. */
  readonly attempt: number
  /** Aborted when nobody wants the result any more. */
  readonly signal: AbortSignal
  /** What the stage's `setup` returned; `undefined` without one. */
  readonly state: S
}

/** One run of a stage's handler on one item: it owns a slot until it ends. */
export class Run<T> implements StageRun<T>, Linked {
  readonly item: T
  readonly attempt: number
  /**
   * `running`: its handler has not returned. `held`: it has, and what it returned keeps the slot. `called-off`:
   * nobody wants the result, but the handler still owns the slot. `ended`: the slot is free, and what the
   * handler still gives is ignored.
   */
  phase: 'running' | 'held' | 'called-off' | 'ended' = 'running'
  /** A crash of its stage fails its item instead of putting it back: it has been put back before. */
  lastChance: boolean
  /** What it works with; its runner sets it before the handler sees the run. */
  holding: Holding | undefined = undefined
  /** Its neighbours among the runs of its stage that have not finished. */
  next: this | undefined = undefined
  previous: this | undefined = undefined
  listed = false
  private controller: AbortController | undefined
  private aborted: { readonly reason: unknown } | undefined

  constructor(item: T, attempt: number) {
    this.item = item
    this.attempt = attempt
    this.lastChance = attempt > 1
  }

  get state(): unknown {
    return this.holding?.state
  }

  /** Aborted when the run is called off; created when first read, which may be after that. */
  get signal(): AbortSignal {
    if (this.aborted !== undefined && this.controller === undefined) return AbortSignal.abort(this.aborted.reason)
    this.controller ??= new AbortController()
    return this.controller.signal
  }

  /** Tells the handler that nobody wants its result any more. */
  abort(reason: unknown): void {
    this.aborted ??= { reason }
    this.controller?.abort(reason)
  }
}
