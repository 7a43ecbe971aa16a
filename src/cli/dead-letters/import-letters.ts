import { messageOf } from '../../../operators/index.ts'
import { type DeadLetterTotals, type PutResult, UnstorableError } from '../../stores/index.ts'
import { printable } from '../../printable.ts'
import { type Desk, lettersCounted } from './desk.ts'
import { parseLetterLine } from './letter-line.ts'
import type { TextLine } from './text-lines.ts'

/** What became of a line: it was put, or is wrong. */
type LineResult = PutResult | 'malformed'

/** Entries that the store ended of itself, whoever put them. */
type Ended = Pick<DeadLetterTotals, 'evicted' | 'expired'>

/**
 * Puts each entry of a file into the store; dead ones stay dead, all others are due. A line that is wrong is named and
 * keeps no other from being stored. What was stored before is recognised, so a file may be imported again.
 *
 * @param name Of the file.
 * @returns The exit code: 0 when every entry is in the store. The store does not tell which entries it ended meanwhile,
 * so none may have been.
 * @throws StoreError when the store is away, after it was said what had been done.
 */
export async function importLetters(desk: Desk, name: string, lines: AsyncIterable<TextLine>): Promise<number> {
  const { signal, progress } = desk
  const counts: Record<LineResult, number> = { stored: 0, duplicate: 0, conflict: 0, full: 0, malformed: 0 }
  const { totals: before } = await desk.store.counts({ signal })
  let ended: Ended
  let done = 0
  let at = 0
  try {
    for await (const line of lines) {
      at = line.number
      signal.throwIfAborted()
      const result = await importLine(desk, `${printable(name)}:${at}`, line)
      counts[result] += 1
      progress.show({ done: ++done })
    }
    const { totals } = await desk.store.counts({ signal })
    ended = { evicted: totals.evicted - before.evicted, expired: totals.expired - before.expired }
  } catch (error) {
    progress.end()
    desk.say(`stopped at ${printable(name)}:${at}: ${messageOf(error)}; import the file again to go on`)
    await summarise(desk, counts)
    throw error
  }
  progress.end()
  if (ended.evicted > 0)
    desk.say(`${lettersCounted(ended.evicted)} evicted meanwhile: there is no room for more dead ones`)
  if (ended.expired > 0) desk.say(`${lettersCounted(ended.expired)} expired meanwhile: too old to be kept`)
  await summarise(desk, { ...counts, ...ended })
  return counts.conflict + counts.full + counts.malformed + ended.evicted + ended.expired === 0 ? 0 : 1
}

async function importLine({ store, signal, say }: Desk, place: string, line: TextLine): Promise<LineResult> {
  try {
    if (line.fault !== undefined) throw new RangeError(line.fault)
    const { letter, state } = parseLetterLine(line.text)
    const result = await store.put(letter, { signal, dead: state === 'dead' })
    const reason = refusals[result]
    if (reason !== undefined) say(`${place}: ${printable(letter.submissionId)} ${reason}`)
    return result
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof UnstorableError)) throw error
    say(`${place}: ${printable(messageOf(error))}`)
    return 'malformed'
  }
}

const refusals: Readonly<Partial<Record<PutResult, string>>> = {
  conflict: 'was not stored: another entry of that id is there',
  full: 'was not stored: the store is full',
}

async function summarise(
  { json, print }: Desk,
  counts: Readonly<Record<LineResult, number>> & Partial<Ended>,
): Promise<void> {
  const { stored, duplicate, conflict, full, malformed } = counts
  await print(
    json
      ? JSON.stringify(counts)
      : `${stored} stored, ${duplicate} there before, ${conflict} in conflict, ${full} without room, ${malformed} malformed`,
  )
}
