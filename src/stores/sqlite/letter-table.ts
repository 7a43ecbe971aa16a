import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import type { DeadLetterKind, DeadLetterState, Lease } from '../dead-letter-store.ts'

/** What there is, and what became of all that ever was. */
const figureNames = [
  'due',
  'leased',
  'dead',
  'bytes',
  'done',
  'stored',
  'rejected',
  'acked',
  'died',
  'replayed',
  'evicted',
  'expired',
  'purged',
] as const

/** The one row of figures. */
export type Figures = Record<(typeof figureNames)[number], number>

/** What changes of an entry as it goes from state to state. */
export interface LetterPosition {
  readonly state: DeadLetterState
  readonly stateAt: number
  readonly attempts: number
  readonly epoch: number
  readonly replays: number
  readonly token: string | null
}

/** An entry without its body. */
export interface LetterRow extends LetterPosition {
  readonly id: number
  readonly key: string
  readonly submissionId: string
  readonly pipeline: string
  readonly session: string | null
  readonly stage: string
  readonly kind: DeadLetterKind
  readonly reason: string
  readonly firstSeenAt: number
  readonly lastSeenAt: number
  readonly digest: string
  readonly bytes: number
  readonly error: Uint8Array | null
}

/** An entry with its body. */
export interface FullLetterRow extends LetterRow {
  readonly payload: Uint8Array
}

/** How an entry failed last. */
export type FailureColumns = Pick<LetterRow, 'stage' | 'kind' | 'reason' | 'lastSeenAt' | 'error' | 'bytes'>

/** What is remembered of an entry that was acked. */
export interface DoneRow extends Pick<Lease, 'epoch' | 'token'> {
  readonly key: string
  readonly digest: string
  readonly doneAt: number
}

const columns = [
  'key',
  'submission_id AS submissionId',
  'pipeline',
  'session',
  'stage',
  'kind',
  'reason',
  'first_seen_at AS firstSeenAt',
  'last_seen_at AS lastSeenAt',
  'state',
  'state_at AS stateAt',
  'attempts',
  'epoch',
  'replays',
  'token',
  'digest',
  'bytes',
  'error',
]
const row = `letters.id, ${columns.join(', ')}`

/** What a query of whole entries selects. */
export const fullRow: string = `SELECT ${row}, payload FROM letters JOIN bodies ON bodies.id = letters.id`

/** The tables' rows, and the figures, which follow each change within a transaction. */
export class LetterTable {
  private readonly statements: Readonly<Record<keyof typeof texts, StatementSync>>
  /** Within a transaction: as they are now. */
  figures: Figures

  constructor(database: DatabaseSync) {
    const prepared = Object.entries(texts).map(([name, text]) => [name, database.prepare(text)] as const)
    this.statements = Object.fromEntries(prepared) as Record<keyof typeof texts, StatementSync>
    this.figures = this.readFigures()
  }

  /** Begins a transaction. */
  load(): void {
    this.figures = this.readFigures()
  }

  /** Ends it. */
  save(): void {
    this.statements.saveFigures.run(this.figures)
  }

  readFigures(): Figures {
    return this.statements.figures.get() as Figures
  }

  find(key: string): LetterRow | undefined {
    return this.statements.find.get(key) as LetterRow | undefined
  }

  read(key: string): FullLetterRow | undefined {
    return this.statements.read.get(key) as FullLetterRow | undefined
  }

  payloadOf({ id }: LetterRow): Uint8Array {
    return this.statements.payload.get(id)?.['payload'] as Uint8Array
  }

  insert(letter: Omit<FullLetterRow, 'id'>): void {
    const { payload, ...values } = letter
    const { lastInsertRowid } = this.statements.insert.run(values as unknown as Record<string, SQLInputValue>)
    this.statements.insertBody.run(lastInsertRowid, payload)
    this.figures[letter.state] += 1
    this.figures.bytes += letter.bytes
    this.figures.stored += 1
  }

  move(letter: LetterRow, position: Partial<LetterPosition>): void {
    const { id, state, stateAt, attempts, epoch, replays, token } = { ...letter, ...position }
    this.statements.move.run({ id, state, stateAt, attempts, epoch, replays, token })
    this.figures[letter.state] -= 1
    this.figures[state] += 1
  }

  refail({ id, bytes }: LetterRow, failure: FailureColumns): void {
    this.statements.refail.run({ ...failure, id })
    this.figures.bytes += failure.bytes - bytes
  }

  remove(letter: LetterRow, end: 'acked' | 'evicted' | 'expired' | 'purged'): void {
    this.statements.remove.run(letter.id)
    this.figures[letter.state] -= 1
    this.figures.bytes -= letter.bytes
    this.figures[end] += 1
  }

  /** Older than a time, and not leased. */
  olderThan(firstSeenAt: number, limit: number): readonly LetterRow[] {
    return this.statements.older.all(firstSeenAt, limit) as unknown as readonly LetterRow[]
  }

  /** Leased until a time at the latest. */
  leasedUntil(stateAt: number, limit: number): readonly LetterRow[] {
    return this.statements.over.all(stateAt, limit) as unknown as readonly LetterRow[]
  }

  /** The ones that have been dead longest. */
  deadLongest(limit: number): readonly LetterRow[] {
    return this.statements.dead.all(limit) as unknown as readonly LetterRow[]
  }

  /** Key and session of a pipeline's that are due, one after the other; nothing may be changed before the end. */
  due(pipeline: string, now: number, oldest: number): Iterable<Pick<LetterRow, 'key' | 'session'>> {
    return this.statements.due.iterate(now, pipeline, oldest) as unknown as Iterable<Pick<LetterRow, 'key' | 'session'>>
  }

  leasedOf(session: string): number {
    return Number(this.statements.leasedOf.get(session)?.['count'])
  }

  findDone(key: string, since: number): DoneRow | undefined {
    return this.statements.findDone.get(key, since) as DoneRow | undefined
  }

  /**
   * Remembers what was acked, and forgets what was before a time, or is the oldest of more than `most`: up to `limit` of
   * each.
   */
  addDone({ key, digest, epoch, token, doneAt }: DoneRow, since: number, most: number, limit: number): void {
    const { addDone, forgetDone, forgetOldestDone } = this.statements
    this.figures.done -= Number(forgetDone.run(key, since, limit).changes)
    addDone.run({ key, digest, epoch, token, doneAt })
    this.figures.done += 1
    const beyond = Math.min(this.figures.done - most, limit)
    if (beyond > 0) this.figures.done -= Number(forgetOldestDone.run(beyond).changes)
  }
}

const texts = {
  figures: `SELECT ${figureNames.join(', ')} FROM figures`,
  saveFigures: `UPDATE figures SET ${figureNames.map((name) => `${name} = :${name}`).join(', ')}`,
  find: `SELECT ${row} FROM letters WHERE key = ?`,
  read: `${fullRow} WHERE key = ?`,
  payload: 'SELECT payload FROM bodies WHERE id = ?',
  insert: `
    INSERT INTO letters (
      ${columns.map((column) => column.split(' ')[0]).join(', ')}
    ) VALUES (
      ${columns.map((column) => `:${column.split(' ').at(-1) ?? ''}`).join(', ')}
    )
  `,
  insertBody: 'INSERT INTO bodies (id, payload) VALUES (?, ?)',
  move: `
    UPDATE letters SET
      state = :state, state_at = :stateAt, attempts = :attempts, epoch = :epoch, replays = :replays, token = :token
    WHERE id = :id
  `,
  refail: `
    UPDATE letters SET
      stage = :stage, kind = :kind, reason = :reason, last_seen_at = :lastSeenAt, error = :error, bytes = :bytes
    WHERE id = :id
  `,
  remove: 'DELETE FROM letters WHERE id = ?',
  older: `SELECT ${row} FROM letters INDEXED BY letters_by_time WHERE first_seen_at < ? AND state <> 'leased' LIMIT ?`,
  over: `SELECT ${row} FROM letters WHERE state = 'leased' AND state_at <= ? ORDER BY state_at, key LIMIT ?`,
  dead: `SELECT ${row} FROM letters WHERE state = 'dead' ORDER BY state_at, key LIMIT ?`,
  due: `SELECT key, session FROM letters WHERE state = 'due' AND state_at <= ? AND pipeline = ? AND first_seen_at >= ? ORDER BY state_at, key`,
  leasedOf: `SELECT count(*) AS count FROM letters WHERE state = 'leased' AND session = ?`,
  findDone: 'SELECT key, digest, epoch, token, done_at AS doneAt FROM done WHERE key = ? AND done_at > ?',
  addDone: 'INSERT INTO done (key, digest, epoch, token, done_at) VALUES (:key, :digest, :epoch, :token, :doneAt)',
  forgetDone:
    'DELETE FROM done WHERE key = ? OR key IN (SELECT key FROM done WHERE done_at <= ? ORDER BY done_at, key LIMIT ?)',
  forgetOldestDone: 'DELETE FROM done WHERE key IN (SELECT key FROM done ORDER BY done_at, key LIMIT ?)',
}
