/** What the redrive of an entry gave. */
export interface KeptRedrive {
  /** When, in milliseconds since 1970-01-01 UTC. */
  readonly at: number
  /** What the pipeline answered; plain JSON. */
  readonly result: unknown
}
