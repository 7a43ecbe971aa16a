import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readWholeFile } from '../../../src/retrieval/read-file.ts'

let root: string
let path: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'spillway-read-'))
  path = join(root, 'a.md')
})
afterEach(() => {
  rmSync(root, { recursive: true })
})

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Starts to read, does something after so many turns of the event loop, and tells what came of the reading. */
async function readWhile(turns: number, work: () => void): Promise<string> {
  const reading = readWholeFile(path, 1_000_000).then(
    (whole) => (whole === undefined ? 'written to' : Buffer.from(whole.bytes).toString()),
    (error: unknown) => (error as Error).message,
  )
  for (let count = 0; count < turns; count++) await turn()
  work()
  return await reading
}

test('a file that is written to all the time is not read', async () => {
  writeFileSync(path, 'begun')
  const state = { isRead: false }
  const reading = readWholeFile(path, 100_000_000).finally(() => (state.isRead = true))
  while (!state.isRead) {
    appendFileSync(path, ' and gone on with')
    await turn()
  }
  expect(await reading).toBeUndefined()
})

test('a file that changes while it is read is one version or the other, never half of each', async () => {
  const [before, after] = ['before '.repeat(10_000), 'after '.repeat(9_000)]
  const read = new Set<string>()
  for (let turns = 0; turns < 30; turns++) {
    writeFileSync(path, before)
    read.add(await readWhile(turns, () => writeFileSync(path, after)))
  }
  for (const text of read) expect([before, after]).toContain(text)
  expect(read).toContain(after)
})

test('a file that is deleted while it is read is not read', async () => {
  const ends = new Set<string>()
  for (let turns = 0; turns < 30; turns++) {
    writeFileSync(path, 'whole')
    ends.add(await readWhile(turns, () => rmSync(path)))
  }
  expect(ends).toContain(`${path}: was deleted while it was read`)
  for (const end of ends) expect(end).toMatch(/^whole$|: was deleted while it was read$|^ENOENT/)
})
