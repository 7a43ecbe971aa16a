import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createSqliteSessionStore } from '../../src/stores/sqlite-session-store.ts'

const writer = fileURLToPath(new URL('../fixtures/session-writer.ts', import.meta.url))

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-sessions-'))
  file = join(folder, 'sessions.db')
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

const opener = fileURLToPath(new URL('../fixtures/file-opener.ts', import.meta.url))

/** Runs a process that writes; ends it by force once it has said that so many are stored. */
async function write(first: number, count: number, killAfter = Infinity): Promise<readonly number[]> {
  const child = spawn(process.execPath, ['--conditions=source', writer, file, `${first}`, `${count}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exit = once(child, 'exit')
  const said: number[] = []
  for await (const line of createInterface(child.stdout)) {
    said.push(Number(line))
    if (said.length === killAfter) child.kill('SIGKILL')
  }
  expect(await exit).toEqual(killAfter === Infinity ? [0, null] : [null, 'SIGKILL'])
  return said
}

async function stored(): Promise<readonly number[]> {
  const store = createSqliteSessionStore({ file })
  const session = await store.get('shared')
  await store.close()
  return session?.state as readonly number[]
}

test('processes that open a new file at the same time share it, and none loses an update of another', async () => {
  const said = await Promise.all([0, 1000, 2000, 3000].map((first) => write(first, 25)))
  const numbers = await stored()
  expect(numbers.toSorted((a, b) => a - b)).toEqual(said.flat().toSorted((a, b) => a - b))
  expect(numbers).toHaveLength(100)
})

test('processes that open new files at the same moments can all open them', async () => {
  const ends = await Promise.all(
    ['a', 'b', 'c', 'd'].map((name) => {
      const child = spawn(process.execPath, ['--conditions=source', opener, folder, name, '60'], { stdio: 'inherit' })
      return once(child, 'exit')
    }),
  )
  expect(ends).toEqual(Array(4).fill([0, null]))
})

test('what was stored is there after the process was killed', async () => {
  const said = await write(0, 10_000, 20)
  const numbers = await stored()
  expect(numbers.slice(0, said.length)).toEqual(said)
  // It may have been killed between an update and its line.
  expect(await write(numbers.length, 1)).toEqual([numbers.length])
})
