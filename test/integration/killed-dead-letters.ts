import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { DeadLetterStore } from '../../src/stores/index.ts'
import { mulberry32 } from '../fixtures/mulberry32.ts'
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

/** What became of all entries. */
export interface KillReport {
  readonly kills: number
  /** Entries whose `put` a process knew to be acknowledged. */
  readonly acknowledged: number
  /** Runs of entries beyond the first, after a kill, a failure or a deferral. */
  readonly duplicates: number
  /** Entries that were given up, and never run. */
  readonly dead: number
  /** What must not be, in sentences. */
  readonly faults: readonly string[]
}

const program = fileURLToPath(new URL('dead-letter-process.ts', import.meta.url))
const hourMs = 3_600_000

/** Kills processes that share a store of dead letters in the middle of their work, and looks for what they had been told. */
export async function killUnderLoad({ place, kills, processes, seed }: KillOptions): Promise<KillReport> {
  const random = mulberry32(seed)
  const log = new Log()
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
    const revived = (await idsIn(store)).filter((id) => log.acked.has(id))
    for (const id of revived) log.faults.push(`${id} was acked, and is there still`)
    await drain(store, log)
    const dead = await idsIn(store)
    const lost = [...log.put].filter((id) => !log.runs.has(id) && !dead.includes(id))
    for (const id of lost) log.faults.push(`${id} was acknowledged, and neither run nor given up`)
    const faults = [...log.faults, ...(await faultsOfBooks(store))]
    const duplicates = [...log.runs.values()].reduce((sum, epochs) => sum + epochs.size - 1, 0)
    const neverRun = dead.filter((id) => !log.runs.has(id)).length
    return { kills, acknowledged: log.put.size, duplicates, dead: neverRun, faults }
  } finally {
    await store.close()
  }
}

/** What all processes have said. */
class Log {
  readonly put: Set<string> = new Set()
  readonly acked: Set<string> = new Set()
  /** The epochs of each entry's runs. */
  readonly runs: Map<string, Set<number>> = new Map()
  readonly faults: string[] = []

  read(line: string): void {
    const [what, submissionId = '', epoch] = line.split(' ')
    if (what === 'put') this.put.add(submissionId)
    else if (what === 'acked') this.acked.add(submissionId)
    else if (what === 'run') this.run(submissionId, Number(epoch))
    else this.faults.push(`a process said ${JSON.stringify(line)}`)
  }

  run(submissionId: string, epoch: number): void {
    const epochs = this.runs.get(submissionId) ?? new Set()
    if (epochs.has(epoch)) this.faults.push(`${submissionId} was run twice under lease ${epoch}`)
    this.runs.set(submissionId, epochs.add(epoch))
  }
}

async function runUntilKilled(place: StorePlace, name: string, seed: number, after: number, log: Log): Promise<void> {
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
async function drain(store: DeadLetterStore, log: Log): Promise<void> {
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

async function faultsOfBooks(store: DeadLetterStore): Promise<readonly string[]> {
  const { due, leased, dead, totals } = await store.counts()
  const { stored, acked, evicted, expired, purged, orphaned } = totals
  const faults: string[] = []
  if (stored !== due + leased + dead + acked + evicted + expired + purged + orphaned) {
    faults.push(`the books do not balance: ${JSON.stringify({ due, leased, dead, totals })}`)
  }
  return faults
}

async function idsIn(store: DeadLetterStore): Promise<readonly string[]> {
  const ids: string[] = []
  let cursor: string | undefined
  do {
    const page = await store.list(cursor === undefined ? {} : { cursor })
    ids.push(...page.entries.map(({ submissionId }) => submissionId))
    cursor = page.cursor
  } while (cursor !== undefined)
  return ids
}
