import type { SessionStoreOptions } from '../../stores/session-options.ts'
import type { SessionStore, StoredSession } from '../../stores/session-store.ts'

/** A store to check, the time that it goes by, and its data. */
export interface SessionStoreSubject {
  readonly store: SessionStore
  /** What time it is for the store, in milliseconds since 1970-01-01 UTC. */
  now(): number
  /** Lets at least `ms` pass for the store, by a virtual clock or by waiting; no check asks for more than 50 at once. */
  advance(ms: number): Promise<void>
  /** Opens the same data again, as another process does. It is closed by who asks for it. */
  reopen(options: SessionStoreOptions): SessionStore | Promise<SessionStore>
  /** All that the stores have written, such as the bytes of their files; needed where they encrypt. */
  written?(): Uint8Array | Promise<Uint8Array>
  /** Clears away what was set up for it. */
  dispose?(): Promise<void>
}

/** One promise of a store. A check passes however slowly it is run. */
export interface SessionCheck {
  /** What the store is made with. */
  readonly options: SessionStoreOptions
  readonly check: (subject: SessionStoreSubject) => Promise<void>
}

/** Checks by what they say. */
export type SessionChecks = Readonly<Record<string, SessionCheck>>

/** What the stores have written. */
export async function written(subject: SessionStoreSubject): Promise<Uint8Array> {
  if (subject.written === undefined) throw new TypeError('a subject that encrypts must have written()')
  return subject.written()
}

/** A session that must be there. */
export async function stored(store: SessionStore, id: string): Promise<StoredSession> {
  const session = await store.get(id)
  if (session === undefined) throw new Error(`the session ${JSON.stringify(id)} must be there, it is not`)
  return session
}

/** Runs `work` with another store on the same data, and closes that. */
export async function withOther<T>(
  subject: SessionStoreSubject,
  options: SessionStoreOptions,
  work: (other: SessionStore) => Promise<T>,
): Promise<T> {
  const other = await subject.reopen(options)
  try {
    return await work(other)
  } finally {
    await other.close()
  }
}
