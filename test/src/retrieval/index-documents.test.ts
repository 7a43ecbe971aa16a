import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { indexDocuments } from '../../../src/retrieval/index-documents.ts'
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
    expect(await indexDocuments(index, [root], { root })).toEqual({ documents: 6, removed: 0 })
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
    expect(await indexDocuments(index, [root], { root })).toEqual({ documents: 2, removed: 1 })
    expect(await index.sources()).toEqual(['a.md', 'c.md'])
    expect(await index.search('apples bananas')).toEqual([])
    expect(await index.search('apricots cherries')).toHaveLength(2)
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
    expect(await indexDocuments(counting, [root], { root })).toEqual({ documents: 72, removed: 0 })
    expect(await index.sources()).toHaveLength(72)
    expect(groups.map((group) => group.length)).toEqual([32, 32, 7, 1])
  })

  test('an empty folder makes an empty index', async () => {
    write('a.md', 'apples')
    await indexDocuments(index, [root], { root })
    rmSync(join(root, 'a.md'))
    expect(await indexDocuments(index, [root], { root })).toEqual({ documents: 0, removed: 1 })
    expect(await index.sources()).toEqual([])
  })
})
