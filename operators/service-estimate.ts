/** What a run more counts: the mean is of about so many of the last runs. */
const memory = 32

/** How long an item will take, by how long the last ones have taken: an exponentially weighted mean. */
export class ServiceEstimate {
  private mean = 0
  private known = false

  /** The mean time of a run in milliseconds; 0 before the first. */
  get meanMs(): number {
    return this.mean
  }

  /** Told of each run that has ended. */
  ran(ms: number): void {
    this.mean = this.known ? this.mean + (ms - this.mean) / memory : ms
    this.known = true
  }

  /** From now to the end of an item that has so many before it and as many slots, all of which are taken. */
  untilEndMs(ahead: number, concurrency: number): number {
    return ((ahead + 1) / concurrency + 1) * this.mean
  }
}
