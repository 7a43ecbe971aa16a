import { Buffer } from 'node:buffer'
import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import { checkInteger, checkKeys, checkNumber, show } from '../../../operators/index.ts'
import type { DeadLetterFilter } from '../dead-letter-store.ts'
import { type FullLetterRow, fullRow } from './letter-table.ts'

/** Which part of the entries is wanted. */
export interface ListQuery extends DeadLetterFilter {
  readonly cursor?: string
  readonly limit?: number
}

/** Bytes of requests of one part at the most, unless a single one is larger: 4 MiB. */
const partBytes = 4_194_304

/** Some rows, and where the next begin. */
export interface ListedRows {
  readonly rows: readonly FullLetterRow[]
  readonly cursor?: string
}

const columns = ['pipeline', 'stage', 'kind', 'reason', 'state'] as const
const queryKeys = [...columns, 'session', 'from', 'to', 'cursor', 'limit', 'signal']

/**
 * Reads a part of the entries, oldest submission first, those of the same time by their keys. Neither ever changes, so a
 * cursor is the last entry's.
 *
 * @param sessionKeysOf How a session may be written in the table.
 */
export function listLetters(
  database: DatabaseSync,
  query: ListQuery,
  sessionKeysOf: (session: string) => readonly string[],
): ListedRows {
  checkKeys('list', query, queryKeys)
  const { cursor, limit = 100, from, to, session } = query
  checkInteger('limit', limit, { min: 1, max: 100 })
  const conditions: string[] = []
  const values: SQLInputValue[] = []
  const where = (condition: string, ...given: readonly SQLInputValue[]): void => {
    conditions.push(condition)
    values.push(...given)
  }
  for (const column of columns) {
    const value = query[column]
    if (value !== undefined) where(`${column} = ?`, value)
  }
  if (session !== undefined) {
    const keys = sessionKeysOf(session)
    where(`session IN (${keys.map(() => '?').join(', ')})`, ...keys)
  }
  if (from !== undefined) where('first_seen_at >= ?', checkNumber('from', from, { min: -Number.MAX_VALUE }))
  if (to !== undefined) where('first_seen_at < ?', checkNumber('to', to, { min: -Number.MAX_VALUE }))
  if (cursor !== undefined) where('(first_seen_at, key) > (?, ?)', ...readCursor(cursor))
  // Without what entries hold, which SQLite would sort along where no index has the order.
  const found =
    database.prepare(`SELECT id FROM letters ${conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : ''}
    ORDER BY first_seen_at, key LIMIT ${limit + 1}`)
  const whole = database.prepare(`${fullRow} WHERE letters.id = ?`)
  const rows: FullLetterRow[] = []
  let bytes = 0
  for (const { id } of found.iterate(...values) as Iterable<unknown> as Iterable<Pick<FullLetterRow, 'id'>>) {
    // Of the same moment as the list: that is still being read.
    const row = whole.get(id) as unknown as FullLetterRow
    const last = rows.at(-1)
    bytes += row.bytes
    if (last !== undefined && (rows.length === limit || bytes > partBytes)) return { rows, cursor: writeCursor(last) }
    rows.push(row)
  }
  return { rows }
}

function writeCursor({ firstSeenAt, key }: FullLetterRow): string {
  return Buffer.from(JSON.stringify([firstSeenAt, key])).toString('base64url')
}

function readCursor(cursor: string): readonly [number, string] {
  try {
    const [firstSeenAt, key, ...rest] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as readonly unknown[]
    if (typeof firstSeenAt === 'number' && typeof key === 'string' && rest.length === 0) return [firstSeenAt, key]
  } catch {
    // Neither base64url nor JSON.
  }
  throw new RangeError(`cursor must be one that list gave, got ${show(cursor)}`)
}
