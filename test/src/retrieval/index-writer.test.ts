import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { openedRetrievers } from '../../fixtures/opened-retrievers.ts'

const { open, pathOf } = openedRetrievers()
const guide = { source: 'guide.md', text: '# Draining\n\nEach channel is emptied.' }
const recipe = { source: 'recipes/soup.md', text: '# Soup\n\nChop the onions. Simmer for one hour.' }

test('an unchanged document is not written again, unless it would be cut otherwise', async () => {
  const path = pathOf('index.db')
  const text = 'One sentence here. '.repeat(20)
  const first = open({ path })
  await first.add([{ source: 'a.txt', text }])
  const ids = (): unknown => {
    const database = new DatabaseSync(path)
    const rows = database.prepare('SELECT id FROM documents ORDER BY id').all()
    const passages = database.prepare('SELECT count(*) AS count FROM passages').get()
    database.close()
    return { rows: rows.map((row) => row['id']), passages: passages?.['count'] }
  }
  await first.add([{ source: 'b.txt', text }])
  await first.add([{ source: 'a.txt', text }])
  expect(ids()).toEqual({ rows: [1, 2], passages: 2 })
  await first.close()
  await open({ path, maxTokens: 40, overlapTokens: 0 }).add([{ source: 'a.txt', text }])
  expect(ids()).toEqual({ rows: [2, 3], passages: 3 })
})

test('tells the digests of the documents that it would not change', async () => {
  const path = pathOf('index.db')
  const first = open({ path })
  await first.add([{ ...guide, digest: 'v1' }, recipe])
  const digests = await first.digests()
  expect(digests.get(guide.source)).toBe('v1')
  expect([...digests.keys()].sort()).toEqual([guide.source, recipe.source])
  await first.close()
  const second = open({ path, maxTokens: 70 })
  expect(await second.digests()).toEqual(new Map())
  await second.add([{ ...guide, digest: 'v1' }])
  expect(await second.digests()).toEqual(new Map([[guide.source, 'v1']]))
})

test('a digest says whether a document is another version', async () => {
  const retriever = open()
  await retriever.add([{ ...recipe, digest: 'v1' }])
  await retriever.add([{ ...recipe, digest: 'v1', text: 'Leeks.' }])
  expect(await retriever.search('leeks')).toEqual([])
  await retriever.add([{ ...recipe, digest: 'v2', text: 'Leeks.' }])
  expect(await retriever.search('leeks')).toHaveLength(1)
  await retriever.add([{ ...recipe, text: 'Carrots.' }])
  await retriever.add([{ ...recipe, text: 'Peas.' }])
  expect(await retriever.search('peas')).toHaveLength(1)
})

test('keeps metadata, also when only that has changed', async () => {
  const retriever = open()
  const metadata = { 'author.name': 'Zoë', year: 2026, draft: false }
  await retriever.add([{ ...recipe, metadata, digest: 'v1' }, guide])
  expect((await retriever.search('onions'))[0]?.metadata).toEqual(metadata)
  expect(await retriever.search('channel')).toMatchObject([expect.not.objectContaining({ metadata: {} })])
  await retriever.add([{ ...recipe, metadata: { year: 2027 }, digest: 'v1' }])
  expect((await retriever.search('onions'))[0]?.metadata).toEqual({ year: 2027 })
})

test.each([
  [[1], TypeError, 'documents[1].metadata must be an object, got an array'],
  [{ '': 1 }, RangeError, 'documents[1].metadata: names are 1 to 64 letters, digits, "_", "-" or ".", got ""'],
  [{ 'a"b': 1 }, RangeError, 'documents[1].metadata: names are 1 to 64 letters'],
  [{ year: NaN }, RangeError, 'documents[1].metadata.year must be finite'],
  [{ year: null }, TypeError, 'documents[1].metadata.year must be a string, a number or a boolean, got null'],
  [{ note: 'a'.repeat(1_001) }, RangeError, 'documents[1].metadata.note must be finite or have at most 1000'],
])('refuses the metadata %o', async (metadata, kind, message) => {
  const retriever = open()
  const adding = retriever.add([guide, { ...recipe, metadata: metadata as unknown as Record<string, number> }])
  await expect(adding).rejects.toThrow(message)
  await expect(adding).rejects.toBeInstanceOf(kind)
  expect(await retriever.sources()).toEqual([])
})
