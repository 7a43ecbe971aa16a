/** How the last calls ended, at most as many as it holds: a sliding window by number. */
export class CallWindow {
  private readonly ends: Uint8Array
  private next = 0
  private held = 0
  private failed = 0

  constructor(size: number) {
    this.ends = new Uint8Array(size)
  }

  /** Calls that are held. */
  get calls(): number {
    return this.held
  }

  /** How many of them failed. */
  get failures(): number {
    return this.failed
  }

  /** Adds a call that has ended; a full window gives up its oldest. */
  add(failed: boolean): void {
    const { next, ends } = this
    if (this.held === ends.length) this.failed -= ends[next] as number
    else this.held += 1
    ends[next] = failed ? 1 : 0
    this.failed += ends[next]
    this.next = (next + 1) % ends.length
  }

  /** Forgets all. */
  clear(): void {
    this.next = 0
    this.held = 0
    this.failed = 0
  }
}
