import type { DeadLetterFilter } from '../../stores/index.ts'
import { printable } from '../../printable.ts'
import { type Desk, lettersCounted, selectLetters, totalOf } from './desk.ts'

/**
 * Writes the entries that fit as lines of JSON, with their requests.
 *
 * @param write Where they go.
 * @returns The exit code: 1 where one could not be read and is therefore not among them.
 */
export async function exportLetters(
  desk: Desk,
  filter: DeadLetterFilter,
  write: (line: string) => Promise<void>,
): Promise<number> {
  const total = await totalOf(desk, filter)
  let done = 0
  let unreadable = 0
  for await (const page of selectLetters(desk, filter)) {
    for (const entry of page) {
      if (entry.unreadable === undefined) await write(JSON.stringify(entry))
      else {
        unreadable += 1
        desk.say(`${printable(entry.submissionId)}: left out, it cannot be read: ${printable(entry.unreadable)}`)
      }
    }
    done += page.length
    desk.progress.show({ done, ...(total !== undefined && { total }) })
  }
  desk.progress.end()
  const leftOut = unreadable === 0 ? '' : `, ${unreadable} left out`
  desk.say(`exported ${lettersCounted(done - unreadable)}${leftOut}`)
  return unreadable === 0 ? 0 : 1
}
