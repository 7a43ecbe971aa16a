import { mkdirSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { silentLogger } from '../../../src/logger.ts'
import { RetrievalError } from '../../../src/retrieval/retrieval-error.ts'
import { explained } from '../../../src/retrieval/sqlite-index.ts'
import { createSqliteRetriever, type SqliteRetrieverOptions } from '../../../src/retrieval/sqlite-retriever.ts'
import { openedRetrievers } from '../../fixtures/opened-retrievers.ts'

const { open, pathOf } = openedRetrievers()
const guide = {
  source: 'docs/guide.md',
  text: '# Guide\n\n## Draining\n\nEach channel is emptied before the next stage stops.\n\n## Retries\n\nWait longer each time.',
}
const recipe = { source: 'recipes/soup.md', text: '# Soup\n\nChop the onions. Simmer for one hour.' }

describe('searching', () => {
  test('finds a passage with its source, headings and score', async () => {
    const retriever = open()
    await retriever.add([guide, recipe])
    expect(await retriever.search('Why is a channel emptied?')).toEqual([
      {
        source: 'docs/guide.md',
        headings: ['Guide', 'Draining'],
        text: 'Each channel is emptied before the next stage stops.',
        score: expect.any(Number) as number,
        ranks: { words: 1 },
      },
    ])
  })

  test.each([
    ['another inflection', 'emptying channels', 'Draining'],
    ['a heading only', 'what about a retry', 'Retries'],
    ['upper case', 'SIMMER', 'Soup'],
    ['the name of the document only', 'recipe', 'Soup'],
  ])('finds by %s', async (_how, question, heading) => {
    const retriever = open()
    await retriever.add([guide, recipe])
    const [best] = await retriever.search(question)
    expect(best?.headings.at(-1)).toBe(heading)
  })

  test('finds with and without diacritics', async () => {
    const retriever = open()
    await retriever.add([{ source: 'a.txt', text: 'Überlauf' }])
    expect(await retriever.search('uberlauf')).toHaveLength(1)
    expect(await retriever.search('U\u0308BERLAUF')).toHaveLength(1)
  })

  test('a heading counts more than the text, the better passage comes first', async () => {
    const retriever = open()
    await retriever.add([
      { source: 'a.md', text: '# Introduction\n\nThere are words on shedding here.' },
      { source: 'b.md', text: '# Shedding\n\nWhat is refused is counted here too.' },
      { source: 'c.md', text: '# Nothing\n\nof the kind' },
    ])
    const found = await retriever.search('shedding')
    expect(found.map((passage) => passage.source)).toEqual(['b.md', 'a.md'])
    expect(found[0]?.score).toBeGreaterThan(found[1]?.score ?? Infinity)
  })

  test('words that say nothing do not count unless there is nothing else', async () => {
    const retriever = open()
    await retriever.add([{ source: 'a.txt', text: 'what this is about' }, recipe])
    expect((await retriever.search('what is this about onions')).map((passage) => passage.source)).toEqual([
      'recipes/soup.md',
    ])
    expect((await retriever.search('What is this about?')).map((passage) => passage.source)).toEqual(['a.txt'])
  })

  test('gives topK passages, 4 unless said otherwise', async () => {
    const retriever = open()
    await retriever.add(Array.from({ length: 9 }, (_, at) => ({ source: `${at}.txt`, text: `words ${at}` })))
    expect(await retriever.search('words')).toHaveLength(4)
    expect(await retriever.search('words', { topK: 7 })).toHaveLength(7)
    await expect(retriever.search('words', { topK: 0 })).rejects.toThrow(/topK.*1 to 100.*0/)
    await expect(retriever.search('words', { topK: 101 })).rejects.toThrow(RangeError)
  })

  test('a question longer than is read is searched by its beginning and its end', async () => {
    const retriever = open()
    await retriever.add([guide, recipe])
    const noise = Array.from({ length: 20_000 }, (_, at) => `noise${at}`).join(' ')
    expect((await retriever.search(`onions ${noise}`)).map((passage) => passage.source)).toEqual(['recipes/soup.md'])
    expect((await retriever.search(`${noise} onions`)).map((passage) => passage.source)).toEqual(['recipes/soup.md'])
  })

  test('an aborted search rejects with the reason', async () => {
    const reason = new Error('enough')
    await expect(open().search('a', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  })

  test('no question is syntax', async () => {
    const retriever = open()
    await retriever.add([guide, recipe])
    const syntax = fc.constantFrom('"', "'", '""', '*', '^', ':', '(', ')', ' AND ', ' OR ', ' NOT ', ' NEAR(', '-', '+', '{', '}', '\0', '🙂', '\ud83d', '\u0301', '²', ';--', 'text:', 'onions') // prettier-ignore
    const question = fc.array(fc.oneof(syntax, fc.string({ unit: 'binary', maxLength: 20 })), { maxLength: 30 })
    await fc.assert(
      fc.asyncProperty(question, async (pieces) => {
        expect(await retriever.search(pieces.join(''))).toBeInstanceOf(Array)
        const [best] = await retriever.search(`${pieces.join('')} onions`, { topK: 100 })
        expect(best).toBeDefined()
      }),
      { numRuns: 500 },
    )
    expect(await retriever.search('')).toEqual([])
    expect(await retriever.search('"'.repeat(100_000))).toEqual([])
    expect(await retriever.search('onions OR '.repeat(10_000))).toHaveLength(1)
  })
})

describe('keeping documents', () => {
  test('a document replaces the one of its name', async () => {
    const retriever = open()
    await retriever.add([guide, recipe])
    await retriever.add([{ source: guide.source, text: 'Something else entirely.' }])
    expect(await retriever.search('channel emptied draining retries')).toEqual([])
    expect(await retriever.search('entirely')).toHaveLength(1)
    expect(await retriever.sources()).toEqual(['docs/guide.md', 'recipes/soup.md'])
  })

  test('a removed document is not found, an unknown name is ignored', async () => {
    const retriever = open()
    await retriever.add([guide, recipe])
    await retriever.remove([guide.source, 'unknown.md'])
    expect(await retriever.search('channel')).toEqual([])
    expect(await retriever.search('onions')).toHaveLength(1)
    expect(await retriever.sources()).toEqual(['recipes/soup.md'])
  })

  test('of two documents of one name the last counts', async () => {
    const retriever = open()
    await retriever.add([recipe, { source: recipe.source, text: 'Leeks.' }])
    expect(await retriever.search('onions')).toEqual([])
    expect(await retriever.search('leeks')).toHaveLength(1)
  })

  test('text with NUL and half a surrogate pair is kept and found', async () => {
    const retriever = open()
    await retriever.add([{ source: 'a.txt', text: 'before\0after\ud83d end' }])
    expect((await retriever.search('after end'))[0]?.text).toBe('before\0after\ufffd end')
  })

  test('all or nothing of what is added is written', async () => {
    const retriever = open()
    const broken = { source: 'broken.md', text: undefined as unknown as string }
    await expect(retriever.add([guide, broken])).rejects.toThrow(RetrievalError)
    expect(await retriever.sources()).toEqual([])
    await retriever.add([guide])
    expect(await retriever.search('channel')).toHaveLength(1)
  })

  test('a file keeps its documents, and its folder is made', async () => {
    const path = pathOf('not', 'there', 'index.db')
    const first = open({ path })
    await first.add([guide, recipe])
    await first.close()
    const second = open({ path })
    expect(await second.search('onions')).toHaveLength(1)
    expect(await second.sources()).toHaveLength(2)
  })

  test('holds what a plain map would hold', async () => {
    const source = fc.constantFrom('a.md', 'b.txt', 'c.md')
    const text = fc.constantFrom('alpha one', '# beta\n\ntwo', 'gamma '.repeat(400), '')
    const step = fc.oneof(
      fc.record({ add: fc.array(fc.record({ source, text }), { maxLength: 4 }) }),
      fc.record({ remove: fc.array(source, { maxLength: 2 }) }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const retriever = createSqliteRetriever({ path: ':memory:' })
        const model = new Map<string, string>()
        for (const done of steps) {
          if ('add' in done) {
            // Texts differ, because the same one is found once.
            const documents = done.add.map(({ source: name, text: body }) => ({
              source: name,
              text: body && `${body}\n\n${name}`,
            }))
            await retriever.add(documents)
            for (const document of documents) model.set(document.source, document.text)
          } else {
            await retriever.remove(done.remove)
            for (const name of done.remove) model.delete(name)
          }
          expect(await retriever.sources()).toEqual([...model.keys()].sort())
          for (const word of ['alpha', 'beta', 'gamma']) {
            const found = await retriever.search(word, { topK: 100 })
            const expected = [...model].filter(([, held]) => held.includes(word)).map(([name]) => name)
            expect([...new Set(found.map((passage) => passage.source))].sort()).toEqual(expected.sort())
          }
        }
        await retriever.close()
      }),
      { numRuns: 50 },
    )
  })
})

describe('what goes wrong', () => {
  const failure = (work: () => unknown): RetrievalError => {
    try {
      work()
    } catch (error) {
      expect(error).toBeInstanceOf(RetrievalError)
      return error as RetrievalError
    }
    throw new Error('nothing went wrong')
  }

  test('a file that is no database', () => {
    const path = pathOf('index.db')
    writeFileSync(path, 'some text that somebody wrote. '.repeat(100))
    const error = failure(() => open({ path }))
    expect(error).toMatchObject({ code: 'retrieval_failed', path, name: 'RetrievalError' })
    expect(error.message).toBe(
      `${path}: is damaged or not a retrieval index; delete it, and it is made again from the documents, or give another path`,
    )
  })

  test('a database of somebody else, which is left as it is', () => {
    const path = pathOf('index.db')
    const other = new DatabaseSync(path)
    other.exec('CREATE TABLE customers (id)')
    expect(failure(() => open({ path })).message).toMatch(/is not a retrieval index of this version/)
    expect(other.prepare('SELECT name FROM sqlite_schema').all()).toMatchObject([{ name: 'customers' }])
    other.close()
  })

  test('an index of an earlier version is emptied, and the log says so', async () => {
    const path = pathOf('index.db')
    const earlier = new DatabaseSync(path)
    earlier.exec(`
      CREATE TABLE documents (id INTEGER PRIMARY KEY, source TEXT NOT NULL UNIQUE, digest TEXT NOT NULL);
      CREATE TABLE passages (id INTEGER PRIMARY KEY, document INTEGER NOT NULL, headings TEXT NOT NULL, text TEXT NOT NULL);
      CREATE VIRTUAL TABLE words USING fts5 (name, headings, text, content = '', contentless_delete = 1);
      INSERT INTO documents (source, digest) VALUES ('old.md', '');
      PRAGMA user_version = 1;
    `)
    earlier.close()
    const lines: unknown[] = []
    const logger = { ...silentLogger, info: (...line: readonly unknown[]) => lines.push(line) }
    const retriever = open({ path, logger })
    expect(lines).toEqual([[{ path }, expect.stringContaining('of an earlier version')]])
    expect(await retriever.sources()).toEqual([])
    await retriever.add([guide])
    await retriever.close()
    expect(await open({ path, logger }).search('channel')).toHaveLength(1)
    expect(lines).toHaveLength(1)
  })

  test('an index of another version', async () => {
    const path = pathOf('index.db')
    await open({ path }).close()
    const database = new DatabaseSync(path)
    database.exec('PRAGMA user_version = 999')
    database.close()
    expect(failure(() => open({ path })).message).toMatch(/is not a retrieval index of this version/)
  })

  test('a folder in the place of the file, and a file in the place of the folder', () => {
    const path = pathOf('index.db')
    mkdirSync(path)
    expect(failure(() => open({ path })).message).toMatch(/index\.db: the retrieval index cannot be opened/)
    writeFileSync(pathOf('file'), '')
    expect(failure(() => open({ path: pathOf('file', 'index.db') })).message).toMatch(/file\/index\.db: /)
  })

  test('a lock of another process: writing fails, reading goes on', async () => {
    const path = pathOf('index.db')
    const retriever = open({ path, busyTimeoutMs: 0 })
    await retriever.add([recipe])
    const other = new DatabaseSync(path)
    other.exec('BEGIN IMMEDIATE')
    const adding = retriever.add([guide])
    await expect(adding).rejects.toThrow(`${path}: the retrieval index is locked by another process`)
    await expect(adding).rejects.toBeInstanceOf(RetrievalError)
    expect(await retriever.search('onions')).toHaveLength(1)
    expect(failure(() => open({ path, busyTimeoutMs: 0 })).message).toMatch(/locked/)
    other.exec('ROLLBACK')
    other.close()
    await retriever.add([guide])
    expect(await retriever.search('channel')).toHaveLength(1)
  })

  test('an index that can only be read', async () => {
    const path = pathOf('index.db')
    const retriever = open({ path })
    await retriever.add([recipe])
    // The way SQLite says it, whoever runs the test: the superuser may write everything.
    const message = `${path}: the retrieval index cannot be written; check its permissions and those of its folder`
    const reader = new DatabaseSync(path, { readOnly: true })
    expect(failure(() => explained(path, () => reader.exec('DELETE FROM documents'))).message).toBe(message)
    reader.close()
  })

  test('a closed index says so, and closing it again is nothing', async () => {
    const retriever = open()
    await retriever.close()
    await retriever.close()
    for (const call of [retriever.search('a'), retriever.add([guide]), retriever.remove(['a']), retriever.sources()]) {
      await expect(call).rejects.toThrow(':memory:: the retrieval index is closed')
    }
  })

  test('a name that SQLite would take for an address is a file', async () => {
    await open({ path: pathOf('file:index.db') }).add([recipe])
    expect(await open({ path: pathOf('file:index.db') }).sources()).toHaveLength(1)
  })

  test.each([
    [{ path: '' }, RangeError, /path/],
    [{ path: 7 as unknown as string }, TypeError, /path.*7/],
    [{ busyTimeoutMs: -1 }, RangeError, /busyTimeoutMs.*0 to 60000.*-1/],
    [{ maxTokens: 1 }, RangeError, /maxTokens/],
    [{ maxchars: 1 }, TypeError, /maxchars/],
  ])('the options %o', (options, kind, message) => {
    const make = (): unknown => open(options as Partial<SqliteRetrieverOptions>)
    expect(make).toThrow(kind)
    expect(make).toThrow(message)
  })

  test('a question that is no text', async () => {
    await expect(open().search(7 as unknown as string)).rejects.toThrow(/query must be a string, got 7/)
  })
})
