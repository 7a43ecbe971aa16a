import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { openDocuments, type OpenDocuments } from '../../../src/cli/open-documents.ts'
import { serveSettings } from '../../../src/cli/serve-settings.ts'
import { silentLogger } from '../../../src/logger.ts'
import { startEmbeddingServer } from '../../fixtures/embedding-server.ts'

let root: string
const opened: OpenDocuments[] = []
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'spillway-open-'))
  for (const name of ['a.md', 'b.md'])
    writeFileSync(join(root, name), `# Document ${name}\n\nThe reservoir of ${name}.`)
})
afterEach(async () => {
  for (const documents of opened.splice(0)) await documents.close()
  rmSync(root, { recursive: true })
})

async function open(...names: readonly string[]): Promise<OpenDocuments> {
  const docs = names.map((name) => join(root, name))
  const settings = serveSettings({ dataDir: join(root, 'data'), docs }, {})
  const documents = await openDocuments(settings, silentLogger)
  opened.push(documents)
  return documents
}

async function found({ retriever }: OpenDocuments): Promise<string[]> {
  const passages = await retriever!.search('reservoir')
  return passages.map(({ headings }) => headings.join()).sort()
}

test('two sets of documents in one data folder do not disturb each other', async () => {
  const [first, second] = [await open('a.md'), await open('b.md')]
  expect(await found(first)).toEqual(['Document a.md'])
  expect(await found(second)).toEqual(['Document b.md'])
  expect(first.store).toMatch(/data\/retrieval-[0-9a-f]{12}\.db \(SQLite/)
  expect(second.store).not.toBe(first.store)
})

test('the same set has the same index, in any order', async () => {
  const [first, second] = [await open('a.md', 'b.md'), await open('b.md', 'a.md')]
  expect(second.store).toBe(first.store)
  expect(await found(first)).toEqual(['Document a.md', 'Document b.md'])
})

test('documents are embedded by the model that is named, once', async () => {
  await using server = await startEmbeddingServer()
  const docs = [join(root, 'a.md')]
  const settings = serveSettings(
    { dataDir: join(root, 'data'), docs, embeddingModel: 'fixture' },
    { EMBEDDING_BASE_URL: server.baseUrl },
  )
  for (const times of [1, 2]) {
    const documents = await openDocuments(settings, silentLogger)
    opened.push(documents)
    expect(documents.description).toMatch(`found by words and by fixture at ${server.baseUrl}`)
    const [best] = await documents.retriever!.search('reservoir')
    expect(best?.ranks).toEqual({ words: 1, vectors: 1 })
    expect(server.calls.filter(({ input }) => input[0]?.includes('Document a.md'))).toHaveLength(1)
    expect(server.calls).toHaveLength(1 + times)
  }
  server.behaviour.status = 500
  const others = { ...settings, docs: [join(root, 'b.md')] }
  await expect(openDocuments(others, silentLogger)).rejects.toThrow(/openai-embedder/)
})

test('documents that are followed are read once, and what is left out is told of once', async () => {
  writeFileSync(join(root, 'bad.md'), 'a\0b')
  const warnings: object[] = []
  const reads = vi.fn()
  const logger = { ...silentLogger, warn: (fields: object) => warnings.push(fields), info: reads }
  const settings = serveSettings({ dataDir: join(root, 'data'), docs: [root], watchDocs: true }, {})
  const documents = await openDocuments(settings, logger)
  opened.push(documents)
  expect(documents.description).toMatch(/^2 \(.*\), found by words, followed$/)
  writeFileSync(join(root, 'b.md'), 'Another turbine.')
  await vi.waitFor(() => {
    expect(reads).toHaveBeenCalled()
  })
  expect(reads.mock.calls).toEqual([
    [
      expect.objectContaining({ documents: 2, added: 0, changed: 1, unchanged: 1, removed: 0, leftOut: 1 }),
      'documents followed',
    ],
  ])
  expect(await documents.retriever!.search('turbine')).toHaveLength(1)
  expect(warnings).toEqual([{ path: join(root, 'bad.md'), reason: 'is binary, not text: it has NUL bytes' }])
})

test('documents that are to be followed and are not there are an error', async () => {
  const settings = serveSettings({ dataDir: join(root, 'data'), docs: [join(root, 'gone')], watchDocs: true }, {})
  const opening = openDocuments(settings, silentLogger)
  await expect(opening).rejects.toThrow(new Error(`--docs: ${join(root, 'gone')}: does not exist`))
})

test('without retrieval it says what there is none of, documents and their index', async () => {
  const documents = await openDocuments(serveSettings({ noDocs: true }, {}), silentLogger)
  expect(documents).toMatchObject({ description: 'none (--no-docs)', store: 'no index of documents' })
})
