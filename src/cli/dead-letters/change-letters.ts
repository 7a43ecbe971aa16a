import { messageOf } from '../../../operators/index.ts'
import type { DeadLetterFilter, ReplayResult } from '../../stores/index.ts'
import { printable } from '../../printable.ts'
import { type Desk, lettersCounted, selectLetters, totalOf } from './desk.ts'
import { listLetters } from './list-letters.ts'

/** What is done to dead letters. */
export type LetterChange = 'replay' | 'purge'

type Result = ReplayResult | 'purged'

/** Which: those of these ids, or those that fit. */
export type Chosen = { readonly ids: readonly string[] } | { readonly filter: DeadLetterFilter }

/** What a store takes in one call. */
const most = 100

const said: Readonly<Record<Exclude<Result, 'unknown'>, string>> = {
  replayed: 'replayed',
  due: 'due now, without having been dead',
  leased: 'left alone, because they are being redriven',
  acked: 'completed before',
  purged: 'purged',
}

/**
 * Replays or purges entries, as many as a store takes at a time, and says what became of them.
 *
 * @returns The exit code: 1 where an id is unknown; the others are done all the same.
 * @throws StoreError when the store is away, after it was said what had been done.
 */
export async function changeLetters(desk: Desk, change: LetterChange, chosen: Chosen): Promise<number> {
  const counts = new Map<Result, number>()
  const named = 'ids' in chosen
  try {
    const total = named ? chosen.ids.length : await totalOf(desk, chosen.filter)
    let done = 0
    for await (const ids of named ? portions(chosen.ids) : chosenIds(desk, chosen.filter)) {
      desk.signal.throwIfAborted()
      const results = await apply(desk, change, ids)
      for (const [at, id] of ids.entries()) await tell(desk, id, results[at] ?? 'unknown', named)
      for (const result of results) counts.set(result, (counts.get(result) ?? 0) + 1)
      done += ids.length
      desk.progress.show({ done, ...(total !== undefined && { total }) })
    }
  } catch (error) {
    desk.progress.end()
    desk.say(`stopped: ${messageOf(error)}; what was done until then:`)
    await summarise(desk, counts)
    throw error
  }
  desk.progress.end()
  await summarise(desk, counts)
  return named && counts.has('unknown') ? 1 : 0
}

/**
 * Shows what a change would be done to.
 *
 * @returns The exit code, as of the change itself.
 */
export async function rehearseChange(desk: Desk, change: LetterChange, chosen: Chosen): Promise<number> {
  if ('filter' in chosen) {
    const count = await listLetters(desk, chosen.filter)
    desk.say(`would ${change} ${lettersCounted(count)}; nothing was changed`)
    return 0
  }
  let unknown = 0
  for (const id of chosen.ids) {
    desk.signal.throwIfAborted()
    const letter = await desk.store.get(id, { signal: desk.signal })
    if (letter === undefined) {
      unknown += 1
      desk.say(unknownLetter(id))
    } else await desk.print(desk.json ? JSON.stringify({ submissionId: id, state: letter.state }) : printable(id))
  }
  desk.say(`would ${change} ${lettersCounted(chosen.ids.length - unknown)}; nothing was changed`)
  return unknown === 0 ? 0 : 1
}

/** How an id is refused. */
export function unknownLetter(id: string): string {
  return `error: there is no dead letter "${printable(id)}"`
}

async function apply(
  { store, signal }: Desk,
  change: LetterChange,
  ids: readonly string[],
): Promise<readonly Result[]> {
  return change === 'replay' ? store.replay(ids, { signal }) : store.purge(ids, { signal })
}

async function tell({ json, print, say }: Desk, id: string, result: Result, named: boolean): Promise<void> {
  if (json) await print(JSON.stringify({ submissionId: id, result }))
  // One that a filter found and that is gone by now was dealt with by somebody else.
  if (result === 'unknown' && named) say(unknownLetter(id))
}

/** Standard output has the data: the sum, or the lines of JSON that were printed. */
async function summarise({ json, print, say }: Desk, counts: ReadonlyMap<Result, number>): Promise<void> {
  const parts = Object.entries(said).flatMap(([result, text]) => {
    const count = counts.get(result as Result)
    return count === undefined ? [] : [`${count} ${text}`]
  })
  const sum = parts.length === 0 ? 'nothing was changed' : parts.join(', ')
  if (json) say(sum)
  else await print(sum)
}

async function* chosenIds(desk: Desk, filter: DeadLetterFilter): AsyncGenerator<readonly string[], void, undefined> {
  for await (const page of selectLetters(desk, filter)) yield page.map(({ submissionId }) => submissionId)
}

function* portions(ids: readonly string[]): Generator<readonly string[], void, undefined> {
  for (let at = 0; at < ids.length; at += most) yield ids.slice(at, at + most)
}
