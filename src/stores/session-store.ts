/** A session as a store has it. */
export interface StoredSession {
  /** 1 after the first `update`, one more after each. */
  readonly version: number
  /** What was stored: plain JSON. */
  readonly state: unknown
  /** When it was last updated, in milliseconds since 1970-01-01 UTC. */
  readonly updatedAt: number
}

/**
 * Keeps what belongs to a session, such as its conversation, for a time that begins anew with every use (`ttlMs`), but
 * ends with `maxAgeMs` at the latest. Several processes may share a store.
 *
 * An id is any text, of any length; what is none rejects with a `TypeError`. A call whose `signal` has aborted does
 * nothing and rejects with its reason; one that is over leaves no listener. An outage rejects with a `StoreError`.
 */
export interface SessionStore {
  /** Bytes that a state may have, as JSON in UTF-8; default 65,536. Who fills sessions leaves out what is beyond it. */
  readonly maxBytes?: number
  /** `undefined` when there is none, or its time is over. Its time begins anew. */
  get(id: string, options?: { readonly signal?: AbortSignal }): Promise<StoredSession | undefined>
  /**
   * Stores a state, if nobody else has meanwhile. A promise that rejects means *unknown*; the same update may be
   * repeated, and says `ok` when it was the one that was stored, as long as nobody has updated it since. It is known by
   * its version and its state: of two who store equal states at once, both are told `ok`. Fields of the state that are
   * `undefined` are accepted and left out.
   *
   * @param expectedVersion Of the session as it was read; 0 where there was none. One that was deleted, or whose time
   * was over, begins at version 1 again.
   * @throws UnstorableError when the state is not plain JSON, which is read again as it was written, or is larger than
   * `maxBytes`; RangeError or TypeError when `expectedVersion` is no whole number from 0 on.
   */
  update(
    id: string,
    expectedVersion: number,
    state: unknown,
    options?: { readonly signal?: AbortSignal },
  ): Promise<'ok' | 'conflict'>
  /** Makes its time begin anew; `false` when there is none. */
  touch(id: string, options?: { readonly signal?: AbortSignal }): Promise<boolean>
  /** `false` when there was none. */
  delete(id: string, options?: { readonly signal?: AbortSignal }): Promise<boolean>
  /** Gives back what the store holds; calls that follow reject with a StoreError. It may be called again. */
  close(): Promise<void>
}
