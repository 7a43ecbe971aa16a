import { randomUUID } from 'node:crypto'
import { messageOf } from '../../../operators/index.ts'
import type { DeadLetterStoreSettings } from '../dead-letter-options.ts'
import type {
  ClaimedDeadLetter,
  DeadLetter,
  DeadLetterFailure,
  Fenced,
  Lease,
  PutResult,
  ReplayResult,
  StoredDeadLetter,
  SweepReport,
} from '../dead-letter-store.ts'
import type { LetterBody, LetterCodec } from '../letter-codec.ts'
import type { DoneRow, FullLetterRow, LetterRow, LetterTable } from './letter-table.ts'

/** A letter as it is written. */
export interface EncodedLetter extends LetterBody {
  readonly letter: DeadLetter
  readonly key: string
  readonly error: Uint8Array | null
}

/** What is to be leased, and for how long. */
interface ClaimTerms {
  readonly pipeline: string
  readonly limit: number
  readonly leaseMs: number
  readonly perSession: number
}

/** How an entry has failed whose redrive nobody ended in time. */
const leaseOver = { kind: 'failed', reason: 'lease_over' } as const

/** Of whatever has to be cleared away one transaction clears so many at the most: nothing else happens meanwhile. */
export const clearedAtOnce = 100

/** How entries go from state to state; each method is called within a transaction. */
export class LetterTransitions {
  private readonly table: LetterTable
  private readonly codec: LetterCodec
  private readonly settings: DeadLetterStoreSettings
  private readonly wallTime: () => number

  constructor(table: LetterTable, codec: LetterCodec, settings: DeadLetterStoreSettings, wallTime: () => number) {
    this.table = table
    this.codec = codec
    this.settings = settings
    this.wallTime = wallTime
  }

  /** @returns `again` when it has made room, and there may be more of it in another transaction. */
  put({ letter, key, payload, digest, digests, error }: EncodedLetter, dead: boolean): PutResult | 'again' {
    const { table, settings } = this
    const { figures } = table
    const expired = this.expire()
    const known = table.find(key) ?? this.findDone(key)
    if (known !== undefined) return digests.includes(known.digest) ? 'duplicate' : 'conflict'
    const bytes = payload.length + (error?.length ?? 0)
    if (
      figures.due + figures.leased + figures.dead >= settings.maxEntries ||
      figures.bytes + bytes > settings.maxBytes
    ) {
      if (expired === clearedAtOnce) return 'again'
      figures.rejected += 1
      return 'full'
    }
    const { submissionId, pipeline, session, stage, kind, reason, firstSeenAt, lastSeenAt } = letter
    table.insert({
      ...{ key, submissionId, pipeline, stage, kind, reason, firstSeenAt, lastSeenAt, digest, bytes, error, payload },
      session: session === undefined ? null : this.codec.sessionKeyOf(session),
      state: dead ? 'dead' : 'due',
      stateAt: this.wallTime(),
      attempts: 0,
      epoch: 0,
      replays: 0,
      token: null,
    })
    this.evict()
    return 'stored'
  }

  /** @returns `again` when leases were over, and there may be more of them. */
  claim({ pipeline, limit, leaseMs, perSession }: ClaimTerms): readonly ClaimedDeadLetter[] | 'again' {
    const released = this.release()
    this.expire()
    this.evict()
    if (released === clearedAtOnce) return 'again'
    const stateAt = this.wallTime() + leaseMs
    const claimed: ClaimedDeadLetter[] = []
    for (const key of this.choose(pipeline, limit, perSession)) {
      const row = this.table.read(key)
      if (row === undefined) continue
      const token = randomUUID()
      const [attempts, epoch] = [row.attempts + 1, row.epoch + 1]
      const leased: FullLetterRow = { ...row, state: 'leased', stateAt, attempts, epoch, token }
      const letter = this.read(leased)
      if (letter.unreadable === undefined) {
        this.table.move(row, leased)
        claimed.push({ letter, lease: { submissionId: letter.submissionId, epoch, token } })
      } else {
        this.kill(row, { attempts, epoch })
      }
    }
    this.evict()
    return claimed
  }

  ack(lease: Lease): 'acked' | Fenced {
    const row = this.leasedBy(lease)
    const { epoch, token } = lease
    if (row === undefined) {
      const done = this.findDone(this.codec.keyOf(lease.submissionId))
      return done?.epoch === epoch && done.token === token ? 'acked' : 'fenced'
    }
    const { key, digest } = row
    const { doneWindowMs, maxDone } = this.settings
    const now = this.wallTime()
    this.table.remove(row, 'acked')
    this.table.addDone({ key, digest, epoch, token, doneAt: now }, now - doneWindowMs, maxDone, clearedAtOnce)
    return 'acked'
  }

  fail(lease: Lease, failure: DeadLetterFailure, retryInMs: number, final: boolean): 'due' | 'dead' | Fenced {
    const row = this.leasedBy(lease)
    if (row === undefined) return 'fenced'
    const { stage, kind, reason } = failure
    const now = this.wallTime()
    const error = failure.error === undefined ? null : this.codec.encodeError(failure.error, row.key)
    const bytes = row.bytes - (row.error?.length ?? 0) + (error?.length ?? 0)
    this.table.refail(row, { stage, kind, reason, lastSeenAt: now, error, bytes })
    if (!final && row.attempts < this.settings.maxAttempts) {
      this.table.move(row, { state: 'due', stateAt: now + retryInMs })
      return 'due'
    }
    this.kill(row)
    this.evict()
    return 'dead'
  }

  defer(lease: Lease, retryInMs: number): 'due' | Fenced {
    const row = this.leasedBy(lease)
    if (row === undefined) return 'fenced'
    this.table.move(row, { state: 'due', stateAt: this.wallTime() + retryInMs, attempts: row.attempts - 1 })
    return 'due'
  }

  extend(lease: Lease, leaseMs: number): 'extended' | Fenced {
    const row = this.leasedBy(lease)
    if (row === undefined) return 'fenced'
    this.table.move(row, { stateAt: this.wallTime() + leaseMs })
    return 'extended'
  }

  replay(submissionId: string): ReplayResult {
    const key = this.codec.keyOf(submissionId)
    const row = this.table.find(key)
    if (row === undefined) return this.findDone(key) === undefined ? 'unknown' : 'acked'
    if (row.state === 'leased') return 'leased'
    const now = this.wallTime()
    if (row.state === 'due') {
      if (row.stateAt > now) this.table.move(row, { stateAt: now })
      return 'due'
    }
    this.table.move(row, { state: 'due', stateAt: now, attempts: 0, replays: row.replays + 1 })
    this.table.figures.replayed += 1
    return 'replayed'
  }

  purge(submissionId: string): 'purged' | 'unknown' {
    const row = this.table.find(this.codec.keyOf(submissionId))
    if (row === undefined) return 'unknown'
    this.table.remove(row, 'purged')
    return 'purged'
  }

  /** A transaction leaves nothing behind that could be repaired. */
  sweep(): Pick<SweepReport, 'released' | 'expired' | 'evicted'> {
    return { released: this.release(), expired: this.expire(), evicted: this.evict() }
  }

  /** An entry as callers see it. */
  read(row: FullLetterRow): StoredDeadLetter {
    const { submissionId, pipeline, stage, kind, reason, firstSeenAt, lastSeenAt } = row
    const { state, stateAt, attempts, epoch, replays, key, payload, error } = row
    const known = { pipeline, stage, kind, reason, firstSeenAt, lastSeenAt, state, stateAt, attempts, epoch, replays }
    try {
      const body = this.codec.decode(payload, key)
      return { ...body, ...known, ...(error && { error: this.codec.decodeError(error, key) }) }
    } catch (problem) {
      return { submissionId, id: '', request: undefined, ...known, unreadable: messageOf(problem) }
    }
  }

  private findDone(key: string): DoneRow | undefined {
    return this.table.findDone(key, this.wallTime() - this.settings.doneWindowMs)
  }

  /** The entry, if the lease is its present one, and not over. */
  private leasedBy({ submissionId, epoch, token }: Lease): LetterRow | undefined {
    const row = this.table.find(this.codec.keyOf(submissionId))
    const same = row?.state === 'leased' && row.epoch === epoch && row.token === token
    return same && row.stateAt > this.wallTime() ? row : undefined
  }

  /** Keys of entries to lease. */
  private choose(pipeline: string, limit: number, perSession: number): readonly string[] {
    const keys: string[] = []
    /** How many of a session are leased, by each of its keys. */
    const leased = new Map<string, { count: number }>()
    const now = this.wallTime()
    for (const { key, session } of this.table.due(pipeline, now, now - this.settings.maxAgeMs)) {
      if (session !== null && perSession < Infinity) {
        let own = leased.get(session)
        if (own === undefined) {
          const sessionKeys = this.sessionKeysOf(key, session)
          own = { count: sessionKeys.reduce((sum, sessionKey) => sum + this.table.leasedOf(sessionKey), 0) }
          for (const sessionKey of sessionKeys) leased.set(sessionKey, own)
        }
        if (own.count >= perSession) continue
        own.count += 1
      }
      keys.push(key)
      if (keys.length === limit) break
    }
    return keys
  }

  /** All keys of an entry's session: others of it may have been put when another encryption key was the first. */
  private sessionKeysOf(key: string, sessionKey: string): readonly string[] {
    const row = this.settings.encryptionKeys.length > 0 ? this.table.read(key) : undefined
    const session = row && this.read(row).session
    return session === undefined ? [sessionKey] : this.codec.sessionKeysOf(session)
  }

  /** Ends leases whose time is over. */
  private release(): number {
    const over = this.table.leasedUntil(this.wallTime(), clearedAtOnce)
    for (const row of over) {
      const bytes = row.bytes - (row.error?.length ?? 0)
      this.table.refail(row, { ...leaseOver, stage: row.stage, lastSeenAt: row.stateAt, error: null, bytes })
      if (row.attempts >= this.settings.maxAttempts) this.kill(row)
      else this.table.move(row, { state: 'due' })
    }
    return over.length
  }

  private expire(): number {
    const expired = this.table.olderThan(this.wallTime() - this.settings.maxAgeMs, clearedAtOnce)
    for (const row of expired) this.table.remove(row, 'expired')
    return expired.length
  }

  private kill(row: LetterRow, counts: Partial<Pick<LetterRow, 'attempts' | 'epoch'>> = {}): void {
    this.table.move(row, { ...counts, state: 'dead', stateAt: this.wallTime() })
    this.table.figures.died += 1
  }

  /** Makes room for those that died since. */
  private evict(): number {
    const beyond = Math.min(this.table.figures.dead - this.settings.maxDead, clearedAtOnce)
    if (beyond <= 0) return 0
    for (const row of this.table.deadLongest(beyond)) this.table.remove(row, 'evicted')
    return beyond
  }
}

/** Writes a letter outside of a transaction. @throws UnstorableError */
export function encodeLetter(codec: LetterCodec, letter: DeadLetter): EncodedLetter {
  const key = codec.keyOf(letter.submissionId)
  const error = letter.error === undefined ? null : codec.encodeError(letter.error, key)
  return { letter, key, ...codec.encode(letter), error }
}

/** What a method that takes ids refuses. */
export function checkSubmissionIds(submissionIds: readonly string[]): void {
  if (submissionIds.length > 100) throw new RangeError(`submissionIds must be at most 100, got ${submissionIds.length}`)
}
