/** The session of a request, in the store that its pipeline was started with. */
export interface RequestSession {
  /** Bytes that a state may have, as JSON in UTF-8. */
  readonly maxBytes: number
  /**
   * What `parse` makes of what is stored, or of `undefined` where there is nothing.
   *
   * @returns `undefined` when the store is away or `parse` throws, and the pipeline's `onOutage` is to go on without.
   * @throws StoreError then, when it is to fail.
   */
  read<T>(parse: (state: unknown) => T): Promise<T | undefined>
  /**
   * Stores what `change` makes of what is stored, or of `undefined` where there is nothing; it is asked again where
   * another process was first.
   *
   * @throws StoreError when the store is away, refuses the state, or `change` throws, and the pipeline's `onOutage` is
   * to fail; otherwise the session stays as it was.
   */
  update(change: (state: unknown) => unknown): Promise<void>
}
