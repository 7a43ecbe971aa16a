import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, test } from 'vitest'
import type { Embedder } from '../../../src/retrieval/embedder.ts'
import { createSqliteRetriever } from '../../../src/retrieval/sqlite-retriever.ts'
import { retrieverContract } from '../../../src/testing/index.ts'
import { hashedVector } from '../../fixtures/hashed-vector.ts'

let folder: string
let number = 0
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-contract-'))
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

const embedder: Embedder = {
  model: 'hashed',
  embed: (texts) => Promise.resolve(texts.map((text) => hashedVector(text, 256))),
}
const file = (): string => join(folder, `${number++}.db`)

for (const check of [
  ...retrieverContract('SQLite in memory', () => createSqliteRetriever({ path: ':memory:' })),
  ...retrieverContract('SQLite in a file', () => createSqliteRetriever({ path: file() })),
  ...retrieverContract('SQLite with vectors', () => createSqliteRetriever({ path: file(), embedder })),
]) {
  test(check.name, check.run)
}
