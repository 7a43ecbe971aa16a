import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { indexDocuments } from '../../../src/retrieval/index-documents.ts'
import type { IndexOptions } from '../../../src/retrieval/index-options.ts'
import type { IndexProgress } from '../../../src/retrieval/index-report.ts'
import type { DocumentIndex, SourceDocument } from '../../../src/retrieval/retriever.ts'
import { createSqliteRetriever } from '../../../src/retrieval/sqlite-retriever.ts'

let root: string
let index: DocumentIndex

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'spillway-index-'))
  index = createSqliteRetriever({ path: ':memory:' })
})

afterEach(async () => {
  await index.close()
  rmSync(root, { recursive: true })
})

const write = (name: string, text: string): void => {
  mkdirSync(dirname(join(root, name)), { recursive: true })
  writeFileSync(join(root, name), text)
}

/** Documents of the kind that a project has: they share their vocabulary, and each is about one thing. */
const project: Readonly<Record<string, string>> = {
  'README.md': `# Weir

Weir queues work between stages. Install it with \`npm install weir\`, then start it with \`npm start\`.

## Where to read on

The guide explains channels, shedding, supervision and metrics; the reference lists the options.`,
  'docs/channels.md': `# Channels

Every stage takes its work from a channel. A channel holds a bounded number of requests.

## Overflow

When a channel is full the incoming request is shed, and the older ones keep their place.

## Capacity

A capacity of 512 suits most stages. The capacity is multiplied by the scale.`,
  'docs/supervision.md': `# Supervision

A supervisor restarts a stage that has crashed. Queued requests survive, because the channel is the supervisor's.

## Backoff

Restarts wait longer each time, with jitter, until five restarts within a minute escalate.`,
  'docs/metrics.md': `# Metrics

Prometheus scrapes the figures of every stage from \`/metrics\`.

| metric | type |
|---|---|
| queue_depth | gauge |
| requests_shed_total | counter |
| stage_latency_seconds | histogram |`,
  'docs/shutdown.md': `# Shutting down

On SIGTERM new requests are refused; what was accepted is finished from the source to the sink.

## When time runs out

What is left at the time-out fails with \`drain_timeout\`, and the report counts it.`,
  'docs/sessions.txt': `Sessions

Requests of one conversation name the same session. They are answered one after another.

A session is forgotten when nobody has used it for an hour.`,
}

describe('a folder of documents', () => {
  test.each([
    ['How do I install this?', 'README.md'],
    ['What happens when a channel is full?', 'docs/channels.md'],
    ['what capacity should I choose', 'docs/channels.md'],
    ['Who restarts a crashed stage?', 'docs/supervision.md'],
    ['How long does it back off between restarts? Is there jitter?', 'docs/supervision.md'],
    ['Which Prometheus metric counts the requests shed?', 'docs/metrics.md'],
    ['Is stage_latency_seconds a histogram?', 'docs/metrics.md'],
    ['What does it do on SIGTERM?', 'docs/shutdown.md'],
    ['drain_timeout', 'docs/shutdown.md'],
    ['when is a session forgotten', 'docs/sessions.txt'],
    ['Tell me about supervision.', 'docs/supervision.md'],
  ])('%s → %s', async (question, source) => {
    for (const [name, text] of Object.entries(project)) write(name, text)
    expect(await indexDocuments(index, [root], { root })).toMatchObject({ documents: 6, added: 6, removed: 0 })
    const [best] = await index.search(question)
    expect(best?.source).toBe(source)
  })
})

describe('following a folder', () => {
  test('what changed is found anew, what is gone is gone', async () => {
    write('a.md', 'apples')
    write('sub/b.md', 'bananas')
    await indexDocuments(index, [root], { root })
    write('a.md', 'apricots')
    rmSync(join(root, 'sub'), { recursive: true })
    write('c.md', 'cherries')
    expect(await indexDocuments(index, [root], { root })).toEqual({
      documents: 2,
      added: 1,
      changed: 1,
      unchanged: 0,
      removed: 1,
      leftOut: [],
      notes: [],
      skipped: {},
    })
    expect(await index.sources()).toEqual(['a.md', 'c.md'])
    expect(await index.search('apples bananas')).toEqual([])
    expect(await index.search('apricots cherries')).toHaveLength(2)
  })

  test('tells what was skipped, and what is wrong in documents that were read', async () => {
    writeFileSync(join(root, 'latin.md'), Buffer.from('apples and caf\xe9', 'latin1'))
    write('note.docx', 'pears')
    const problem = 'document is not valid UTF-8: its invalid bytes are replaced'
    expect(await indexDocuments(index, [root], { root })).toMatchObject({
      documents: 1,
      leftOut: [],
      notes: [{ path: join(root, 'latin.md'), source: 'latin.md', problem }],
      skipped: { '.docx': 1 },
    })
  })

  test('when a path is missing nothing is removed', async () => {
    write('a.md', 'apples')
    await indexDocuments(index, [root], { root })
    const missing = join(root, 'missing')
    await expect(indexDocuments(index, [missing], { root })).rejects.toThrow(`${missing}: does not exist`)
    expect(await index.search('apples')).toHaveLength(1)
  })

  test('documents are added in groups, and all of them', async () => {
    const groups: string[][] = []
    const counting: DocumentIndex = {
      ...index,
      add: (documents: readonly SourceDocument[]) => {
        groups.push(documents.map(({ source }) => source))
        return index.add(documents)
      },
    }
    for (let at = 0; at < 70; at++) write(`${at}.txt`, `text ${at}`)
    write('z/large-1.txt', 'word '.repeat(60_000))
    write('z/large-2.txt', 'word '.repeat(60_000))
    expect(await indexDocuments(counting, [root], { root })).toMatchObject({ documents: 72, added: 72, removed: 0 })
    expect(await index.sources()).toHaveLength(72)
    expect(groups.map((group) => group.length)).toEqual([32, 32, 7, 1])
  })

  test('what is unchanged is neither parsed nor written', async () => {
    write('a.md', 'apples')
    write('b.txt', 'bananas')
    await indexDocuments(index, [root], { root })
    write('a.md', 'apples')
    const unwritable: DocumentIndex = { ...index, add: () => Promise.reject(new Error('written')) }
    expect(await indexDocuments(unwritable, [root], { root })).toMatchObject({ documents: 2, unchanged: 2, changed: 0 })
  })

  test('each document is told of when it has been dealt with', async () => {
    for (const name of ['a.md', 'b.md', 'c.md']) write(name, name)
    write('b.md', ' ')
    const told: IndexProgress[] = []
    await indexDocuments(index, [root], { root, onProgress: (progress) => told.push(progress) })
    expect(told.map(({ source, done, total }) => `${source} ${done}/${total}`)).toEqual([
      'b.md 1/3',
      'a.md 2/3',
      'c.md 3/3',
    ])
    expect(told.at(-1)).toMatchObject({ added: 2, changed: 0, unchanged: 0, leftOut: 1 })
  })

  test('an aborted signal ends it between two groups, and the next run goes on from there', async () => {
    for (let at = 0; at < 100; at++) write(`${at}.txt`, `text ${at}`)
    const controller = new AbortController()
    const stopped = indexDocuments(index, [root], {
      root,
      signal: controller.signal,
      onProgress: ({ done }) => {
        if (done === 40) controller.abort(new Error('enough'))
      },
    })
    await expect(stopped).rejects.toThrow('enough')
    expect(await index.sources()).toHaveLength(64)
    expect(await indexDocuments(index, [root], { root })).toMatchObject({ documents: 100, added: 36, unchanged: 64 })
  })

  test('metadata says where a document lies, and what it says of itself', async () => {
    write('guide/setup.md', '---\nauthor: Ann\n---\n# Setting up\n\nRun it.')
    await indexDocuments(index, [root], { root })
    const [passage] = await index.search('run', { filter: { folder: 'guide', author: 'Ann' } })
    expect(passage?.metadata).toEqual({
      author: 'Ann',
      extension: 'md',
      folder: 'guide',
      format: 'markdown',
      name: 'setup.md',
      title: 'Setting up',
    })
  })

  test('bad options and an empty path are refused', async () => {
    await expect(indexDocuments(index, [root, ''])).rejects.toThrow('paths[1] must not be empty')
    await expect(indexDocuments(index, [root], { maxBytes: 0 })).rejects.toThrow(/maxBytes.*1 to 1000000000.*0/)
    await expect(indexDocuments(index, [root], { maxbytes: 1 } as IndexOptions)).rejects.toThrow(/maxbytes/)
  })

  test('an empty folder makes an empty index', async () => {
    write('a.md', 'apples')
    await indexDocuments(index, [root], { root })
    rmSync(join(root, 'a.md'))
    expect(await indexDocuments(index, [root], { root })).toMatchObject({ documents: 0, removed: 1 })
    expect(await index.sources()).toEqual([])
  })
})
