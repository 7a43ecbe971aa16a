import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { DeadLetterStore } from '../../src/stores/index.ts'
import { mulberry32 } from '../fixtures/mulberry32.ts'
import { LetterLog, type LetterReport } from './letter-log.ts'
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
    await log.judgeRevived(store)
    await drain(store, log)
    return await log.judge(store)
  } finally {
    await store.close()
  }
}

async function runUntilKilled(place: StorePlace, name: string, seed: number, after: number, log: LetterLog): Promise<void> {
  const child = spawn(process.execPath, ['--conditions=source', program, name, JSON.stringify(place), String(seed)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let problem = ''
  child.stderr.on('data', (data: Buffer) => (problem += data.toString()))
  let lines = 0
  createInterface({ input: child.stdout }).on('line', (line) => {
    log.read(line)
    if (++lines === after) child.kill('SIGKILL')
  })
  const [, signal] = (await once(child, 'close')) as [number | null, string | null]
  if (signal !== 'SIGKILL') log.faults.push(`process ${name} ended by itself: ${problem}`)
}

/** Runs all that can be run. */
async function drain(store: DeadLetterStore, log: LetterLog): Promise<void> {
  for (;;) {
    const claimed = await store.claim({ pipeline: 'chat', limit: 100, leaseMs: hourMs })
    if (claimed.length === 0) return
    await Promise.all(
      claimed.map(async ({ lease }) => {
        log.run(lease.submissionId, lease.epoch)
        if ((await store.ack(lease)) !== 'acked') log.faults.push(`${lease.submissionId} could not be acked`)
      }),
    )
  }
}
