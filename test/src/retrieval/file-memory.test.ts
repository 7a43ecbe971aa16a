import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { FileMemory } from '../../../src/retrieval/file-memory.ts'
import { updateIndex } from '../../../src/retrieval/index-documents.ts'
import { checkIndexing } from '../../../src/retrieval/index-options.ts'
import type { IndexReport } from '../../../src/retrieval/index-report.ts'
import type { DocumentIndex } from '../../../src/retrieval/retriever.ts'
import { createSqliteRetriever } from '../../../src/retrieval/sqlite-retriever.ts'

let root: string
let index: DocumentIndex
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'spillway-memory-'))
  index = createSqliteRetriever({ path: ':memory:' })
  for (const name of ['a.md', 'b.md']) writeFileSync(join(root, name), `The reservoir of ${name}.`)
})
afterEach(async () => {
  await index.close()
  rmSync(root, { recursive: true })
})

const update = (memory: FileMemory): Promise<IndexReport> =>
  updateIndex(index, [root], checkIndexing([root], { root }), memory)

test('tells of each file before it is read, and reads it once', async () => {
  const read: string[] = []
  const memory = new FileMemory((path) => read.push(path))
  await update(memory)
  expect(read).toEqual([join(root, 'a.md'), join(root, 'b.md')])
  expect(await update(memory)).toMatchObject({ unchanged: 2 })
  expect(read).toHaveLength(2)
  memory.forget(join(root, 'b.md'))
  await update(memory)
  expect(read.slice(2)).toEqual([join(root, 'b.md')])
})

test('a file that is to be left out is, with the reason, until it changes', async () => {
  const signatures = new Map<string, string>()
  await update(new FileMemory((path, signature) => signatures.set(path, signature!)))
  await index.remove(['a.md', 'b.md'])
  const read: string[] = []
  const memory = new FileMemory((path) => read.push(path))
  memory.leaveOut(join(root, 'a.md'), 'ends the thread', signatures.get(join(root, 'a.md'))!)
  memory.leaveOut(join(root, 'gone.md'), 'is not there', 'another')
  expect(await update(memory)).toMatchObject({ added: 1, leftOut: [{ source: 'a.md', reason: 'ends the thread' }] })
  expect(read).toEqual([join(root, 'b.md')])
  writeFileSync(join(root, 'a.md'), 'Another reservoir.')
  expect(await update(memory)).toMatchObject({ added: 1, unchanged: 1, leftOut: [] })
})

test('a file that has changed since it was to be left out is read', async () => {
  let signature = ''
  await update(new FileMemory((_path, found) => (signature = found!)))
  writeFileSync(join(root, 'b.md'), 'Another reservoir.')
  const memory = new FileMemory()
  memory.leaveOut(join(root, 'b.md'), 'ends the thread', signature)
  expect(await update(memory)).toMatchObject({ changed: 1, unchanged: 1, leftOut: [] })
})
