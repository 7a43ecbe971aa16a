import { fileURLToPath } from 'node:url'
import { mulberry32 } from '../fixtures/mulberry32.ts'
import { LetterLog, type LetterReport } from './letter-log.ts'
import { ProcessLife } from './process-life.ts'
import { openStore, type StorePlace } from './stores-to-kill.ts'

/** What is killed, and how often. */
export interface KillOptions {
  readonly place: StorePlace
  /** Processes that are killed, one after the other. */
  readonly kills: number
  /** Processes that share the store at a time. */
  readonly processes: number
  readonly seed: number
}

const program = fileURLToPath(new URL('dead-letter-process.ts', import.meta.url))
const hourMs = 3_600_000

/** Kills processes that share a store of dead letters in the middle of their work, and looks for what they had been told. */
export async function killUnderLoad({ place, kills, processes, seed }: KillOptions): Promise<LetterReport> {
  const random = mulberry32(seed)
  const log = new LetterLog()
  let left = kills
  const succession = async (line: number): Promise<void> => {
    while (left > 0) {
      const number = left--
      // By what it has done, not by time: no process is killed before it has begun, however slow the machine is.
      await runUntilKilled(place, `${line}-${number}`, number, 1 + Math.floor(400 * random()), log)
    }
  }
  await Promise.all(Array.from({ length: processes }, (_, line) => succession(line)))

  const store = openStore(place, hourMs)
  try {
    return await log.judge(store)
  } finally {
    await store.close()
  }
}

async function runUntilKilled(
  place: StorePlace,
  name: string,
  seed: number,
  after: number,
  log: LetterLog,
): Promise<void> {
  const life = new ProcessLife([program, name, JSON.stringify(place), String(seed)], log)
  await life.lines(after)
  await life.kill()
}
