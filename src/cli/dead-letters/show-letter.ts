import type { StoredDeadLetter } from '../../stores/index.ts'
import type { RedriveAnswer } from '../../stores/sqlite-redrive-answers.ts'
import { printable } from '../../printable.ts'
import { unknownLetter } from './change-letters.ts'
import type { Desk } from './desk.ts'

/**
 * Prints all that is known of an entry, its request too, and what its redrive gave where that is kept.
 *
 * @param redrive Of the same submission; the entry itself is gone once it was completed.
 * @returns The exit code: 1 where there is neither.
 */
export async function showLetter(desk: Desk, id: string, redrive: RedriveAnswer | undefined): Promise<number> {
  const letter = await desk.store.get(id, { signal: desk.signal })
  if (letter === undefined && redrive === undefined) {
    desk.say(unknownLetter(id))
    return 1
  }
  if (desk.json) {
    await desk.print(JSON.stringify({ submissionId: id, ...letter, ...(redrive !== undefined && { redrive }) }))
    return 0
  }
  const lines = [
    ...(letter === undefined ? [] : linesOf(letter)),
    ...(redrive === undefined ? [] : redriveLines(redrive)),
  ]
  for (const line of [`submission  ${id}`, ...lines]) await desk.print(printable(line))
  return 0
}

function linesOf(letter: StoredDeadLetter): readonly string[] {
  const { id, session, pipeline, stage, kind, reason, error, unreadable } = letter
  return [
    `request id  ${id}`,
    ...(session === undefined ? [] : [`session     ${session}`]),
    `pipeline    ${pipeline}`,
    `ended       ${kind} at ${stage}: ${reason}`,
    ...(error === undefined ? [] : [`error       ${error}`]),
    `state       ${letter.state} (${stateTimes[letter.state]} ${time(letter.stateAt)})`,
    `attempts    ${letter.attempts}, of ${letter.epoch} ever; replayed ${letter.replays} times`,
    `submitted   ${time(letter.firstSeenAt)}`,
    `last ended  ${time(letter.lastSeenAt)}`,
    ...(unreadable === undefined ? ['request', ...jsonLines(letter.request)] : [`unreadable  ${unreadable}`]),
  ]
}

function redriveLines({ at, answer }: RedriveAnswer): readonly string[] {
  return [`redriven    completed ${time(at)}`, 'answer', ...jsonLines(answer)]
}

const stateTimes = { due: 'at', leased: 'until', dead: 'since' } as const

function jsonLines(value: unknown): readonly string[] {
  return JSON.stringify(value, null, 2)
    .split('\n')
    .map((line) => `  ${line}`)
}

function time(ms: number): string {
  const date = new Date(ms)
  return Number.isFinite(date.getTime()) ? date.toISOString() : String(ms)
}
