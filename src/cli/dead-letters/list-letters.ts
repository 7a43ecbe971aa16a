import type { DeadLetterFilter, StoredDeadLetter } from '../../stores/index.ts'
import { type Desk, selectLetters } from './desk.ts'
import { letterTable, type LetterTable } from './letter-table.ts'

/** Lists the entries that fit, without their requests, and says how many there were. */
export async function listLetters(
  desk: Desk,
  filter: DeadLetterFilter,
  limit: number = Number.MAX_SAFE_INTEGER,
): Promise<number> {
  const { json, clock, columns } = desk
  let table: LetterTable | undefined
  let count = 0
  for await (const page of selectLetters(desk, filter)) {
    const entries = page.slice(0, limit - count)
    if (!json && table === undefined) {
      table = letterTable(entries, columns, clock.wallTime())
      await desk.print(table.head)
    }
    for (const entry of entries)
      await desk.print(table === undefined ? JSON.stringify(headOf(entry)) : table.row(entry))
    count += entries.length
    if (count >= limit) break
  }
  if (count === 0) desk.say(Object.keys(filter).length === 0 ? 'there are no dead letters' : 'no dead letter fits')
  return count
}

/** An entry without what its caller has said. */
function headOf({ request: _, ...head }: StoredDeadLetter): Omit<StoredDeadLetter, 'request'> {
  return head
}
