import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSqliteDeadLetterStore, type DeadLetter, type DeadLetterStore } from '../../src/stores/index.ts'
import type { Report, ReportLine } from './report.ts'

/** Entries of a measurement, each of a prompt of so many characters. */
const entries = 10_000
const promptLength = 2_000
const prompt = 'A spillway lets water over a dam. '.repeat(promptLength / 34)
const pipeline = 'chat'

/** How many dead letters a second a store takes, hands out and forgets, and makes due again. */
export async function deadLetters(): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), 'spillway-dead-letters-'))
  const store = createSqliteDeadLetterStore({ file: join(folder, 'letters.db') })
  try {
    return {
      title: `${entries} dead letters of ${promptLength} characters`,
      lines: await measureStore('SQLite', store),
    }
  } finally {
    await store.close()
    await rm(folder, { recursive: true, force: true })
  }
}

/** An empty store's figures. It is full of dead ones afterwards. */
async function measureStore(name: string, store: DeadLetterStore): Promise<readonly ReportLine[]> {
  const lines: ReportLine[] = []
  for (const together of [1, 16, 100]) {
    const letters = makeLetters(`${together}`)
    const took = await msOf(() => inGroups(letters, together, (letter) => store.put(letter)))
    lines.push(line(`${name}: put, ${together} at a time`, entries, took))
    let claimed = 0
    const tookBack = await msOf(async () => {
      while (claimed < entries) {
        const some = await store.claim({ pipeline, limit: Math.min(together, 100), leaseMs: 60_000 })
        await Promise.all(some.map(({ lease }) => store.ack(lease)))
        claimed += some.length
      }
    })
    lines.push(line(`${name}: claim and ack, ${together} at a time`, entries, tookBack))
  }
  const dead = makeLetters('dead')
  await inGroups(dead, 100, (letter) => store.put(letter, { dead: true }))
  const ids = dead.map(({ submissionId }) => submissionId)
  const groups = Array.from({ length: entries / 100 }, (_, at) => ids.slice(100 * at, 100 * at + 100))
  const took = await msOf(() => inGroups(groups, 1, (group) => store.replay(group)))
  return [...lines, line(`${name}: replay, 100 in a call`, entries, took)]
}

function makeLetters(group: string): readonly DeadLetter[] {
  const now = Date.now()
  return Array.from({ length: entries }, (_, at) => ({
    ...{ submissionId: `${group}-${at}`, id: `${at}`, pipeline, stage: 'inference', kind: 'failed', reason: 'timeout' },
    ...{ error: 'no answer within 60 s', session: `session ${at % 100}`, request: { input: prompt } },
    ...{ firstSeenAt: now, lastSeenAt: now },
  }))
}

async function inGroups<T>(items: readonly T[], size: number, work: (item: T) => Promise<unknown>): Promise<void> {
  for (let at = 0; at < items.length; at += size) await Promise.all(items.slice(at, at + size).map(work))
}

async function msOf(work: () => Promise<void>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

function line(name: string, count: number, tookMs: number): ReportLine {
  return { name, figure: `${Math.round((1000 * count) / tookMs).toLocaleString('en')} a second` }
}
