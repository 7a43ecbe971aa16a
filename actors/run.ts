/** One run of a stage's handler on one item: it owns a slot until it ends. */
export class Run<T> {
  readonly item: T
  /** 1, or 2 after a crash of the stage put the item back. */
  readonly attempt: number
  /** It owns a slot; what its handler still gives once it has ended is ignored. */
  live = true
  /** Its handler has returned, and what it returned keeps the slot. */
  held = false
  private controller: AbortController | undefined

  constructor(item: T, attempt: number) {
    this.item = item
    this.attempt = attempt
  }

  /** Aborted when the run is called off; created when first read. */
  get signal(): AbortSignal {
    this.controller ??= new AbortController()
    return this.controller.signal
  }

  /** Tells the handler that nobody wants its result any more. */
  abort(reason: unknown): void {
    // Also where nobody has looked yet: a handler may look later.
    this.controller ??= new AbortController()
    this.controller.abort(reason)
  }
}
