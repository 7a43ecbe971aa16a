import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { silentLogger } from '../../../src/logger.ts'
import type { Embedder } from '../../../src/retrieval/embedder.ts'
import type { DocumentIndex, SearchFilter } from '../../../src/retrieval/retriever.ts'
import { createSqliteRetriever, type SqliteRetrieverOptions } from '../../../src/retrieval/sqlite-retriever.ts'
import { VirtualClock } from '../../../src/testing/index.ts'

let folder: string
const opened: DocumentIndex[] = []

function open(options: Partial<SqliteRetrieverOptions> = {}): DocumentIndex {
  const retriever = createSqliteRetriever({ path: ':memory:', ...options })
  opened.push(retriever)
  return retriever
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-search-'))
})

afterEach(async () => {
  for (const retriever of opened.splice(0)) await retriever.close()
  rmSync(folder, { recursive: true })
})

const topics = [/car|vehicle/i, /boat|ship/i, /bread|loaf/i]

/** An embedder that knows what some words mean, and what it was asked. */
function knowing(model = 'knowing', length = topics.length): Embedder & { readonly asked: string[]; fails?: Error } {
  const asked: string[] = []
  return {
    model,
    asked,
    embed(texts) {
      if (this.fails !== undefined) return Promise.reject(this.fails)
      asked.push(...texts)
      return Promise.resolve(
        texts.map((text) => Float32Array.from({ length }, (_, at) => (topics[at]?.test(text) === true ? 1 : 0.01))),
      )
    },
  }
}

const cars = { source: 'a.md', text: '# Garage\n\nA car needs oil.' }
const boats = { source: 'b.md', text: '# Harbour\n\nA boat needs water.' }
const bread = { source: 'c.md', text: '# Kitchen\n\nBread needs time.' }

async function sources(retriever: DocumentIndex, question: string, filter?: SearchFilter): Promise<readonly string[]> {
  const found = await retriever.search(question, { topK: 100, ...(filter !== undefined && { filter }) })
  return found.map(({ source }) => source)
}

describe('vectors', () => {
  test.each([':memory:', 'a file'])('find by meaning what shares no word, in %s', async (where) => {
    const embedder = knowing()
    const retriever = open({ path: where === ':memory:' ? where : join(folder, 'index.db'), embedder })
    await retriever.add([cars, boats, bread])
    const [best] = await retriever.search('vehicle')
    expect(best).toMatchObject({ source: 'a.md', ranks: { vectors: 1 } })
    expect(best?.ranks).not.toHaveProperty('words')
    expect(embedder.asked).toContain('a > Garage\n\nA car needs oil.')
  })

  test('are fused with words: what both find is first', async () => {
    const retriever = open({ embedder: knowing() })
    await retriever.add([cars, boats, bread])
    const found = await retriever.search('does water harm a ship')
    expect(found[0]).toMatchObject({ source: 'b.md', ranks: { words: expect.any(Number) as number, vectors: 1 } })
    expect(found[0]?.score).toBeGreaterThan(found[1]?.score ?? NaN)
    expect(found).toHaveLength(3)
  })

  test('of unchanged documents are not made again', async () => {
    const embedder = knowing()
    const retriever = open({ embedder })
    await retriever.add([cars, boats])
    await retriever.add([cars, boats, bread])
    expect(embedder.asked).toHaveLength(3)
    await retriever.remove(['a.md'])
    expect(await sources(retriever, 'vehicle')).not.toContain('a.md')
  })

  test('of another model are made again', async () => {
    const path = join(folder, 'index.db')
    const first = open({ path, embedder: knowing() })
    await first.add([cars, boats])
    await first.close()
    const embedder = knowing('other')
    const second = open({ path, embedder })
    expect((await second.digests()).size).toBe(0)
    expect((await second.search('vehicle')).length).toBe(0)
    await second.add([cars, boats])
    expect(embedder.asked.filter((text) => text.includes(' > '))).toHaveLength(2)
    expect((await sources(second, 'vehicle'))[0]).toBe('a.md')
  })

  test('of another length are made again as soon as one such comes', async () => {
    const path = join(folder, 'index.db')
    const first = open({ path, embedder: knowing() })
    await first.add([cars, boats])
    await first.close()
    const embedder = knowing('knowing', 4)
    const second = open({ path, embedder })
    expect(await sources(second, 'vehicle')).toEqual([])
    await second.add([bread])
    expect([...(await second.digests()).keys()]).toEqual(['c.md'])
    await second.add([cars, boats, bread])
    expect(embedder.asked.filter((text) => text.startsWith('c'))).toHaveLength(1)
    expect((await sources(second, 'vehicle'))[0]).toBe('a.md')
  })

  test('stay while the index is open without an embedder, and what was added then gets some later', async () => {
    const path = join(folder, 'index.db')
    const first = open({ path, embedder: knowing() })
    await first.add([cars])
    await first.close()
    const second = open({ path })
    await second.add([cars, boats])
    expect((await second.digests()).size).toBe(2)
    expect(await sources(second, 'vehicle')).toEqual([])
    await second.close()
    const embedder = knowing()
    const third = open({ path, embedder })
    expect([...(await third.digests()).keys()]).toEqual(['a.md'])
    await third.add([cars, boats])
    expect(embedder.asked).toEqual(['b > Harbour\n\nA boat needs water.'])
  })

  test('are no reason to fail a search: words alone decide, the log and the caller hear of it', async () => {
    const lines: unknown[] = []
    const logger = { ...silentLogger, warn: (fields: object) => lines.push(fields) }
    const embedder = knowing()
    const retriever = open({ embedder, logger })
    await retriever.add([cars, boats])
    embedder.fails = new Error('the endpoint is down')
    let fallbacks = 0
    const found = await retriever.search('oil for a vehicle', { onFallback: () => (fallbacks += 1) })
    expect(found).toMatchObject([{ source: 'a.md', ranks: { words: 1 } }])
    expect(fallbacks).toBe(1)
    expect(lines).toEqual([{ path: ':memory:', model: 'knowing', error: 'Error' }])
    await expect(retriever.add([bread])).rejects.toBe(embedder.fails)
    expect(await retriever.sources()).toEqual(['a.md', 'b.md'])
  })

  test('that do not come in time are not waited for', async () => {
    const embedder = knowing()
    const clock = new VirtualClock()
    const retriever = open({ embedder, clock, embedTimeoutMs: 300 })
    await retriever.add([cars])
    let signal: AbortSignal | undefined
    embedder.embed = (_texts, options) => {
      signal = options?.signal
      return new Promise(() => {})
    }
    const found = retriever.search('oil')
    await clock.advance(300)
    expect(await found).toMatchObject([{ ranks: { words: 1 } }])
    expect(signal?.aborted).toBe(true)
    const calling = new AbortController()
    const aborted = retriever.search('oil', { signal: calling.signal })
    calling.abort(new Error('enough'))
    await expect(aborted).rejects.toThrow('enough')
    const closed = retriever.search('oil')
    await retriever.close()
    await expect(closed).rejects.toThrow('the retrieval index is closed')
  })

  test.each([
    [[], 'gave 0 vectors for 1 texts'],
    [[new Float32Array(3)], 'all zeros'],
    [[Float32Array.of(1, NaN)], 'not finite'],
  ])('that are none: %o', async (vectors, message) => {
    const retriever = open({ embedder: { model: 'odd', embed: () => Promise.resolve(vectors) } })
    await expect(retriever.add([cars])).rejects.toThrow(`:memory:: the embedding model "odd" gave`)
    await expect(retriever.add([cars])).rejects.toThrow(message)
  })

  test('an earlier version never comes after a later one, however long embedding takes', async () => {
    const embedder = knowing()
    const { embed } = embedder
    const waits: (() => void)[] = []
    embedder.embed = async (texts, options) => {
      await new Promise<void>((resolve) => waits.push(resolve))
      return embed.call(embedder, texts, options)
    }
    const retriever = open({ embedder })
    const added = [retriever.add([cars]), retriever.add([{ ...cars, text: 'A later car.' }])]
    await expect.poll(() => waits.length).toBe(1)
    waits[0]?.()
    await expect.poll(() => waits.length).toBe(2)
    waits[1]?.()
    await Promise.all(added)
    embedder.embed = embed
    expect((await retriever.search('later'))[0]?.text).toBe('A later car.')
  })
})

describe('filters', () => {
  const value = fc.constantFrom<(string | number | boolean)[]>(
    '',
    '1',
    'en',
    'true',
    'a"b',
    'é',
    1,
    0,
    -1.5,
    1e21,
    true,
    false,
  )
  const metadata = fc.dictionary(fc.constantFrom('a', 'b.c', '1', 'é-_'), value, { maxKeys: 3 })
  const filter = fc.dictionary(
    fc.constantFrom('a', 'b.c', '1', 'é-_'),
    fc.oneof(value, fc.array(value, { minLength: 1, maxLength: 3 })),
    { maxKeys: 2 },
  )

  test('keep the documents whose metadata fits, by words and by vectors', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(metadata, { minLength: 1, maxLength: 6 }), filter, async (all, wanted) => {
        const documents = all.map((each, at) => ({ source: `${at}.txt`, text: `A car, number ${at}`, metadata: each }))
        const expected = documents.filter(({ metadata: has }) =>
          Object.entries(wanted).every(([name, allowed]) => [allowed].flat().some((each) => each === has[name])),
        )
        for (const [embedder, question] of [[undefined, 'car'], [knowing(), 'vehicle']] as const) {
          const retriever = createSqliteRetriever({ path: ':memory:', ...(embedder && { embedder }) })
          await retriever.add(documents)
          const found = await sources(retriever, question, wanted)
          expect(found.toSorted()).toEqual(expected.map(({ source }) => source))
          await retriever.close()
        }
      }),
      { numRuns: 60 },
    )
  }) // prettier-ignore

  test.each([
    [{ 'a b': 1 }, RangeError, 'filter: names are 1 to 64 letters'],
    [{ a: [] }, RangeError, 'filter.a must have 1 to 1000 values, got 0'],
    [{ a: undefined }, TypeError, 'filter.a must be a string, a number or a boolean, got undefined'],
    ['a', TypeError, 'filter must be an object, got "a"'],
  ])('refuse %o', async (given, kind, message) => {
    const found = open().search('a', { filter: given as unknown as SearchFilter })
    await expect(found).rejects.toThrow(message)
    await expect(found).rejects.toBeInstanceOf(kind)
  })
})

test('a search sees what was written before it, and words of a large index do not slow it down', async () => {
  const retriever = open({ path: join(folder, 'index.db') })
  const many = Array.from({ length: 6_000 }, (_, at) => ({ source: `${at}.txt`, text: `common number${at}` }))
  await retriever.add(many)
  expect(await sources(retriever, 'common number17')).toEqual(['17.txt'])
  expect((await sources(retriever, 'common')).length).toBe(100)
  await retriever.add([{ source: 'new.txt', text: 'number17 again' }])
  expect((await sources(retriever, 'common number17')).toSorted()).toEqual(['17.txt', 'new.txt'])
})
