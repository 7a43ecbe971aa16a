import type { OutcomeKind } from '../pipeline/outcome.ts'

/** The ends of a request that a stage may keep as dead letters. */
export type DeadLetterKind = Extract<OutcomeKind, 'shed' | 'failed' | 'expired'>

/** How an attempt ended, the first one or a redrive. */
export interface DeadLetterFailure {
  /** Where it ended. */
  readonly stage: string
  /** How it ended. */
  readonly kind: DeadLetterKind
  /**
   * Why: of a shed request the reason, of a failed one the error's code, of an expired one `deadline` or `ttl`; of a
   * redrive that nobody ended within its lease `lease_over`.
   */
  readonly reason: string
  /** What the error says, at most 1,024 characters; of failed requests only. It may quote the prompt. */
  readonly error?: string
}

/** A request that was not answered, with what is needed to run it again. */
export interface DeadLetter extends DeadLetterFailure {
  /** Names the submission, and the entry: two callers may both call their request `1`. */
  readonly submissionId: string
  /** The request's own id. */
  readonly id: string
  /** The pipeline's name. */
  readonly pipeline: string
  /** The request's `session`, where it has one. */
  readonly session?: string
  /** The request as it was submitted: the same object, which its caller must not change. */
  readonly request: unknown
  /** When it was submitted, in milliseconds since 1970-01-01 UTC. */
  readonly firstSeenAt: number
  /** When its last attempt ended, in milliseconds since 1970-01-01 UTC. */
  readonly lastSeenAt: number
}

/**
 * What a store says of an entry: it has it now, had the same one before, has another one of that id, or has no room.
 */
export type PutResult = 'stored' | 'duplicate' | 'conflict' | 'full'

/** Keeps dead letters. */
export interface DeadLetterWriter {
  /**
   * Keeps an entry; a promise that rejects, or takes longer than `signal` allows, means *unknown*, and the same entry
   * is put again. It must therefore be idempotent by `submissionId`. One that rejects with an `UnstorableError` says
   * that there is no point.
   */
  put(letter: DeadLetter, options: { readonly signal: AbortSignal }): PromiseLike<PutResult>
}

/** `due` waits for its time to be redriven, `leased` is being redriven, `dead` was given up until it is replayed. */
export type DeadLetterState = 'due' | 'leased' | 'dead'

/** An entry as a store has it. */
export interface StoredDeadLetter extends DeadLetter {
  readonly state: DeadLetterState
  /** When it is due, its lease ends, or it was given up; in milliseconds since 1970-01-01 UTC. */
  readonly stateAt: number
  /** Redrives begun since it was put or last replayed; at most `maxAttempts`. */
  readonly attempts: number
  /** All redrives ever begun: the fence. It only grows. */
  readonly epoch: number
  /** How often it was taken out of the dead ones. */
  readonly replays: number
  /**
   * Why its request cannot be read: another encryption key, or a newer version's entry. `request` is then `undefined`,
   * `id`, `session` and `error` may be missing too, and it is `dead` once it was claimed, whatever its attempts.
   */
  readonly unreadable?: string
}

/** The right to end an entry's redrive: as long as it is not over, nobody else redrives it. */
export interface Lease {
  readonly submissionId: string
  readonly epoch: number
  /** Known to its owner alone. */
  readonly token: string
}

/** An entry to be redriven now. */
export interface ClaimedDeadLetter {
  readonly letter: StoredDeadLetter
  readonly lease: Lease
}

/** A lease that ended before, and was possibly given to another, can do nothing more: `fenced`. */
export type Fenced = 'fenced'

/** Which entries are listed; what is left out selects all. */
export interface DeadLetterFilter {
  readonly pipeline?: string
  readonly stage?: string
  readonly kind?: DeadLetterKind
  readonly reason?: string
  readonly state?: DeadLetterState
  readonly session?: string
  /** Submitted at this time or later, in milliseconds since 1970-01-01 UTC. */
  readonly from?: number
  /** Submitted before this time. */
  readonly to?: number
}

/** A part of the entries, oldest submission first. */
export interface DeadLetterPage {
  readonly entries: readonly StoredDeadLetter[]
  /** Where the next part begins; absent at the end. */
  readonly cursor?: string
}

/** What a store did with an entry that was to be replayed: `acked` were completed lately, `leased` run right now. */
export type ReplayResult = 'replayed' | 'due' | 'leased' | 'acked' | 'unknown'

/** What a store has, and what became of all that it ever had. */
export interface DeadLetterCounts {
  readonly due: number
  readonly leased: number
  readonly dead: number
  /** Of all entries: what they take of `maxBytes`. How that is counted is the store's, but texts of equal lengths take the same. */
  readonly bytes: number
  /** Since the store was made: `stored = due + leased + dead + acked + evicted + expired + purged + orphaned`. */
  readonly totals: DeadLetterTotals
}

/** Transitions of entries, counted since the store was made. */
export interface DeadLetterTotals {
  /** What `put` has said `stored` of. A store may add it up from what it has and what came to an end, as that in Redis. */
  readonly stored: number
  /** Refused because the store was full; not among `stored`. */
  readonly rejected: number
  /** Redriven and completed. */
  readonly acked: number
  /**
   * Given up here: it had its attempts, or could not be read. It is still there, or was replayed, evicted … since. What
   * `put` was given as `dead` is not among them.
   */
  readonly died: number
  readonly replayed: number
  /** Dead ones that made room for newer dead ones. */
  readonly evicted: number
  /** Older than `maxAgeMs`. */
  readonly expired: number
  readonly purged: number
  /** Found damaged beyond repair by `sweep`. */
  readonly orphaned: number
}

/** What `sweep` did. */
export interface SweepReport {
  /** Leases that were over: their entries are due or dead again. */
  readonly released: number
  readonly expired: number
  readonly evicted: number
  /** Entries put back where they belong, after a key was lost. */
  readonly repaired: number
  readonly orphaned: number
}

/**
 * Keeps dead letters, hands them out to be redriven, and forgets them when that is done: `due → leased → (acked | due |
 * dead)`. What `put` has acknowledged is redriven at least once, or stands in a counted end; every method may be
 * repeated when its answer was lost. Several processes may share a store.
 *
 * A lease is over at the very time at which it ends. What is older than `maxAgeMs` and not leased is forgotten before
 * `put`, `claim` and `sweep` do anything else; until then it is there. What is of the same millisecond stands in an order
 * of the store's own, which is always the same.
 *
 * Ids and sessions are any text, of any length. A call whose `signal` has aborted does nothing and rejects with its
 * reason; one that is over leaves no listener. A number, a list or a cursor that is not allowed rejects with a
 * `RangeError`, an outage with a `StoreError`.
 */
export interface DeadLetterStore extends DeadLetterWriter {
  /**
   * Keeps an entry, due at once. A repeated `put` is recognised while the entry is there, and for a while after it was
   * acked (`doneWindowMs`, `maxDone`).
   *
   * Fields of the entry, and within its request, that are `undefined` are accepted and left out.
   *
   * @param options.dead Keeps it as given up, for entries that are brought from another store. It does not count as
   * `died`.
   * @throws UnstorableError when the request is not plain JSON, which is read again as it was written, or when it takes,
   * with the ids and the session, more than `maxEntryBytes`.
   */
  put(letter: DeadLetter, options?: { readonly signal?: AbortSignal; readonly dead?: boolean }): Promise<PutResult>
  /**
   * Leases entries that are due, those due longest first, and those whose lease is over, which are due since then: such
   * a one is given up instead when it has had its attempts, so a request that kills its worker is not redriven for ever.
   * When a lease is over the entry's `kind` becomes `failed`, its `reason` `lease_over` and its `lastSeenAt` the end of the
   * lease, and its `error` is dropped, until it fails again: it may be the one that killed its worker.
   *
   * @param options.pipeline Of the pipeline of this name alone: no other can run its requests.
   * @param options.limit At most so many, 1 … 100.
   * @param options.leaseMs How long they are the caller's, 1 ….
   * @param options.perSession At most so many of one session are leased at a time, by whomever, 1 …; default no limit.
   * Entries of such a session are passed over.
   */
  claim(options: {
    readonly signal?: AbortSignal
    readonly pipeline: string
    readonly limit: number
    readonly leaseMs: number
    readonly perSession?: number
  }): Promise<readonly ClaimedDeadLetter[]>
  /**
   * It was redriven and completed: it is forgotten. The same lease may say so again, as long as the store remembers it
   * (`doneWindowMs`, `maxDone`); after that it is `fenced`.
   */
  ack(lease: Lease, options?: { readonly signal?: AbortSignal }): Promise<'acked' | Fenced>
  /**
   * It was redriven and failed, now, as `failure` says and no longer as before: it is due again after `retryInMs`, or
   * `dead` when it has had its attempts, or `final` says that there is no point. That ends the lease: said again, it is
   * `fenced`.
   */
  fail(
    lease: Lease,
    failure: DeadLetterFailure,
    options: { readonly signal?: AbortSignal; readonly retryInMs: number; readonly final?: boolean },
  ): Promise<'due' | 'dead' | Fenced>
  /**
   * It could not be redriven now: it is due again after `retryInMs`, and the attempt does not count. That ends the lease:
   * said again, it is `fenced`.
   */
  defer(lease: Lease, options: { readonly signal?: AbortSignal; readonly retryInMs: number }): Promise<'due' | Fenced>
  /** Makes the lease end `leaseMs` from now. */
  extend(
    lease: Lease,
    options: { readonly signal?: AbortSignal; readonly leaseMs: number },
  ): Promise<'extended' | Fenced>
  /**
   * Makes entries due now, unless they are already: a dead one gets all its attempts again. What is being redriven, or
   * was, is left alone. How fast they are redriven then is up to who claims: the `budget` of `redrive`.
   *
   * @param submissionIds At most 100.
   * @returns What was done with each, in the same order.
   */
  replay(
    submissionIds: readonly string[],
    options?: { readonly signal?: AbortSignal },
  ): Promise<readonly ReplayResult[]>
  /**
   * Deletes entries, whatever their state; the lease of one that is being redriven is fenced.
   *
   * @param submissionIds At most 100.
   */
  purge(
    submissionIds: readonly string[],
    options?: { readonly signal?: AbortSignal },
  ): Promise<readonly ('purged' | 'unknown')[]>
  /** The entry of this `submissionId`, whatever its state; `undefined` when there is none. */
  get(submissionId: string, options?: { readonly signal?: AbortSignal }): Promise<StoredDeadLetter | undefined>
  /**
   * Lists entries, oldest submission first. One that is there from the first page to the last is on exactly one of them.
   *
   * @param options.cursor Of the page before; `list` refuses what it has not given.
   * @param options.limit At most so many, 1 … 100; default 100. A page may have fewer, or none, and still a `cursor`.
   */
  list(
    options?: DeadLetterFilter & { readonly signal?: AbortSignal; readonly cursor?: string; readonly limit?: number },
  ): Promise<DeadLetterPage>
  /** What the store has now, and what became of all that it ever had. */
  counts(options?: { readonly signal?: AbortSignal }): Promise<DeadLetterCounts>
  /** Ends leases and entries whose time is over, and repairs what a lost reply or a deleted key left behind. */
  sweep(options?: { readonly signal?: AbortSignal }): Promise<SweepReport>
  /** Lets go of the file or connection; what is asked afterwards rejects with a `StoreError`. It may be called again. */
  close(): Promise<void>
}
