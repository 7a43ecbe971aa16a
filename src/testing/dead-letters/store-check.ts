import { deepEqual, equal } from 'node:assert/strict'
import type { DeadLetterStoreOptions } from '../../stores/dead-letter-options.ts'
import type {
  ClaimedDeadLetter,
  DeadLetter,
  DeadLetterStore,
  Lease,
  StoredDeadLetter,
} from '../../stores/dead-letter-store.ts'

/** A store to check, the time that it goes by, and its data. */
export interface DeadLetterStoreSubject {
  readonly store: DeadLetterStore
  /** What time it is for the store, in milliseconds since 1970-01-01 UTC. */
  now(): number
  /** Lets at least `ms` pass for the store, by a virtual clock or by waiting; no check asks for more than 50 at once. */
  advance(ms: number): Promise<void>
  /** Opens the same data again, as another process does. It is closed by who asks for it. */
  reopen(options: DeadLetterStoreOptions): DeadLetterStore | Promise<DeadLetterStore>
  /** All that the stores have written, such as the bytes of their files; needed where they encrypt. */
  written?(): Uint8Array | Promise<Uint8Array>
  /** Clears away what was set up for it. */
  dispose?(): Promise<void>
}

/**
 * One promise of a store. A check passes however slowly it is run: what is to be over ends in a few milliseconds and is
 * waited for, what is to last lasts a minute.
 */
export interface StoreCheck {
  /** What the store is made with. */
  readonly options: DeadLetterStoreOptions
  readonly check: (subject: DeadLetterStoreSubject) => Promise<void>
}

/** Checks by what they say. */
export type StoreChecks = Readonly<Record<string, StoreCheck>>

/** So long lasts what is to last. */
export const longMs = 60_000

/** A request that failed just now, with every text made of its `submissionId`. */
export function letterOf(
  subject: Pick<DeadLetterStoreSubject, 'now'>,
  submissionId: string,
  changes: Partial<DeadLetter> = {},
): DeadLetter {
  const now = subject.now()
  return {
    submissionId,
    id: `request of ${submissionId}`,
    pipeline: 'chat',
    stage: 'inference',
    kind: 'failed',
    reason: 'worker_failed',
    error: `error of ${submissionId}`,
    request: { input: `question of ${submissionId}` },
    firstSeenAt: now,
    lastSeenAt: now + 0.25,
    ...changes,
  }
}

/** Puts entries of these ids, a millisecond apart at the least, and leaves a millisecond behind them. */
export async function putAll(
  subject: DeadLetterStoreSubject,
  submissionIds: readonly string[],
  options: { readonly changes?: Partial<DeadLetter>; readonly dead?: boolean } = {},
): Promise<void> {
  const { changes, dead = false } = options
  for (const submissionId of submissionIds) {
    equal(await subject.store.put(letterOf(subject, submissionId, changes), { dead }), 'stored')
    await subject.advance(2)
  }
}

/** Claims for a minute, of the pipeline of `letterOf`. */
export function claim(store: DeadLetterStore, limit: number = 100): Promise<readonly ClaimedDeadLetter[]> {
  return store.claim({ pipeline: 'chat', limit, leaseMs: longMs })
}

/** Claims the only entry that can be claimed. */
export async function claimOnly(store: DeadLetterStore, leaseMs: number = longMs): Promise<ClaimedDeadLetter> {
  const [claimed, ...others] = await store.claim({ pipeline: 'chat', limit: 100, leaseMs })
  equal(others.length, 0, 'there must be one entry to claim, not more')
  if (claimed === undefined) throw new Error('there must be an entry to claim, there is none')
  return claimed
}

/** Leases the only entry that can be claimed, for a time that is over. */
export async function leaseOver(subject: DeadLetterStoreSubject): Promise<Lease> {
  const { lease } = await claimOnly(subject.store, 5)
  await subject.advance(10)
  return lease
}

/** One of those that were claimed. */
export function claimedOf(claimed: readonly ClaimedDeadLetter[], submissionId: string): ClaimedDeadLetter {
  const found = claimed.find(({ letter }) => letter.submissionId === submissionId)
  if (found === undefined) throw new Error(`${submissionId} must be claimed, was not`)
  return found
}

export function idsOf(claimed: readonly ClaimedDeadLetter[]): readonly string[] {
  return claimed.map(({ letter }) => letter.submissionId)
}

/** What the stores have written. */
export async function written(subject: DeadLetterStoreSubject): Promise<Uint8Array> {
  if (subject.written === undefined) throw new TypeError('a subject that encrypts must have written()')
  return subject.written()
}

/** An entry that must be there. */
export async function stored(store: DeadLetterStore, submissionId: string): Promise<StoredDeadLetter> {
  const letter = await store.get(submissionId)
  if (letter === undefined) throw new Error(`the entry ${submissionId} must be there, it is not`)
  return letter
}

/** All entries, page by page. */
export async function listAll(
  store: DeadLetterStore,
  options: Parameters<DeadLetterStore['list']>[0] = {},
): Promise<readonly StoredDeadLetter[]> {
  const entries: StoredDeadLetter[] = []
  let cursor: string | undefined
  do {
    const page = await store.list({ ...options, ...(cursor !== undefined && { cursor }) })
    entries.push(...page.entries)
    cursor = page.cursor
  } while (cursor !== undefined)
  return entries
}

/** Compares the store's figures with each other, and with what it lists. */
export async function checkBooks(store: DeadLetterStore): Promise<void> {
  const { due, leased, dead, bytes, totals } = await store.counts()
  const { acked, evicted, expired, purged, orphaned } = totals
  const ends = acked + evicted + expired + purged + orphaned
  equal(due + leased + dead + ends, totals.stored, 'stored = due + leased + dead + all ends')
  const states = (await listAll(store)).map(({ state }) => state)
  const listed = (wanted: string): number => states.filter((state) => state === wanted).length
  deepEqual({ due, leased, dead }, { due: listed('due'), leased: listed('leased'), dead: listed('dead') })
  equal(bytes > 0, states.length > 0, `${states.length} entries cannot take ${bytes} bytes`)
}
