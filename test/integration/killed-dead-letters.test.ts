import { mkdtempSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { faults } from '../effort.ts'
import { killUnderLoad } from './killed-dead-letters.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-killed-'))
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

test('what SQLite has acknowledged survives processes that are killed in the middle of their work', async ({
  annotate,
}) => {
  const file = join(folder, 'letters.db')
  const seed = Date.now()
  const report = await killUnderLoad({ place: { kind: 'sqlite', file }, kills: faults(12), processes: 2, seed })
  await annotate(`${JSON.stringify(report)}, seed ${seed}`)
  expect(report.faults, `seed ${seed}`).toEqual([])
  expect(report.acknowledged).toBeGreaterThan(100)
  using database = new DatabaseSync(file)
  expect(database.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }])
})
