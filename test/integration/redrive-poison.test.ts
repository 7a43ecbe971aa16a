import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { createSqliteDeadLetterStore, type DeadLetter } from '../../src/stores/index.ts'
import { type ProgramEnd, runProgram } from '../package/run-program.ts'

const program = fileURLToPath(new URL('redrive-poison.ts', import.meta.url))
const guardMs = 120_000

function letterOf(id: string): DeadLetter {
  const now = Date.now()
  const failure = { stage: 'inference', kind: 'failed', reason: 'stage_failed' } as const
  return {
    submissionId: `first-${id}`,
    id,
    pipeline: 'chat',
    ...failure,
    request: { id },
    firstSeenAt: now,
    lastSeenAt: now,
  }
}

test(
  'a request that kills each process which redrives it is given up, and the others are done once',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'redrive-poison-'))
    const file = join(folder, 'dead-letters.db')
    const store = createSqliteDeadLetterStore({ file, maxAttempts: 2 })
    for (const id of ['a', 'poison', 'b', 'c']) await store.put(letterOf(id))
    const ends: ProgramEnd[] = []
    while (ends.at(-1)?.exitCode !== 0 && ends.length < 5) {
      ends.push(await runProgram(process.execPath, ['--conditions=source', program, file], { cwd: folder, guardMs }))
    }
    expect(ends.map(({ exitCode }) => exitCode)).toEqual([null, null, 0])
    expect(await store.get('first-poison')).toMatchObject({ state: 'dead', attempts: 2 })
    const { dead, totals } = await store.counts()
    expect([dead, totals.acked, totals.died]).toEqual([1, 3, 1])
    await store.close()
    await rm(folder, { recursive: true })
  },
  5 * guardMs,
)
