import { execFile } from 'node:child_process'
import { getEventListeners } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { RetrievalError } from '../../../src/retrieval/retrieval-error.ts'
import { createSearchThreads, type SearchThreads } from '../../../src/retrieval/sqlite-search-threads.ts'

const program = new URL('../../fixtures/mortal-search-thread.ts', import.meta.url)
let folder: string
/** While this is no file, threads that are told to wait do. */
let gate: string
let threads: SearchThreads

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-threads-'))
  gate = join(folder, 'gate')
  threads = open(1)
})

afterEach(async () => {
  writeFileSync(gate, '')
  await threads.close()
  rmSync(folder, { recursive: true })
})

function open(size: number): SearchThreads {
  return createSearchThreads({ path: gate, busyTimeoutMs: 0, withVectors: false }, size, program)
}

async function ask(order: string, signal?: AbortSignal): Promise<string> {
  const query = { terms: [order], topK: 4, filter: undefined, embedding: undefined }
  return (await threads.search(query, signal)).map(({ text }) => text).join()
}

test('every query gets its own answer, in order, however few threads there are', async () => {
  const orders = Array.from({ length: 50 }, (_, at) => `query ${at}`)
  const order: string[] = []
  const asked = orders.map(async (each) => {
    const answer = await ask(each)
    order.push(answer)
    return answer
  })
  expect(await Promise.all(asked)).toEqual(orders)
  expect(order).toEqual(orders)
})

test('a query that is aborted while it waits is taken back at once, and the next goes on', async () => {
  const waiting = ask('wait')
  const calling = new AbortController()
  const aborted = ask('never', calling.signal)
  const reason = new Error('enough')
  calling.abort(reason)
  await expect(aborted).rejects.toBe(reason)
  writeFileSync(gate, '')
  expect(await waiting).toBe('wait')
  expect(await ask('next')).toBe('next')
})

test('a query that is aborted while it runs rejects at once, and its answer is nobody else’s', async () => {
  const calling = new AbortController()
  const running = ask('wait', calling.signal)
  const next = ask('next')
  calling.abort(new Error('enough'))
  await expect(running).rejects.toThrow('enough')
  writeFileSync(gate, '')
  expect(await next).toBe('next')
})

test('a signal that outlives the queries keeps no listener', async () => {
  const { signal } = new AbortController()
  await ask('one', signal)
  await expect(ask('fail', signal)).rejects.toThrow('is on fire')
  expect(getEventListeners(signal, 'abort')).toEqual([])
  const reason = new Error('too late')
  await expect(ask('none', AbortSignal.abort(reason))).rejects.toBe(reason)
})

test('a thread that dies is replaced and its query tried again', async () => {
  const after = ['die once', 'next'].map((order) => ask(order))
  expect(await Promise.all(after)).toEqual(['die once', 'next'])
})

test('a query that kills every thread rejects, and the others are answered', async () => {
  const [dead, next] = await Promise.allSettled([ask('die'), ask('next')])
  expect(next).toEqual({ status: 'fulfilled', value: 'next' })
  const reason: unknown = dead.status === 'rejected' && dead.reason
  expect(reason).toBeInstanceOf(RetrievalError)
  expect(String(reason)).toBe(`RetrievalError: ${gate}: the thread that searched the retrieval index has ended`)
})

test('a program that does not start rejects what it was to answer', async () => {
  const broken = createSearchThreads(
    { path: gate, busyTimeoutMs: 0, withVectors: false },
    2,
    new URL('nothing.ts', program),
  )
  const query = { terms: ['a'], topK: 1, filter: undefined, embedding: undefined }
  await expect(broken.search(query)).rejects.toThrow('has ended')
  await broken.close()
})

test('a problem in a thread is a RetrievalError', async () => {
  await expect(ask('fail')).rejects.toMatchObject({ code: 'retrieval_failed', message: `${gate}: is on fire` })
})

test('more queries than may wait are refused', async () => {
  const first = ask('wait')
  const asked = Array.from({ length: 1_024 }, () => ask('a'))
  await expect(ask('one too many')).rejects.toThrow('1024 searches wait for a thread already')
  writeFileSync(gate, '')
  await Promise.all([first, ...asked])
})

test('threads do not keep a process alive', async () => {
  const main = JSON.stringify(new URL('../../../src/index.ts', import.meta.url).href)
  const code = `
    import { createSqliteRetriever } from ${main}
    const retriever = createSqliteRetriever({ path: process.argv[1] })
    await retriever.add([{ source: 'a.md', text: 'Onions.' }])
    console.log((await retriever.search('onions')).length)
  `
  const args = ['--conditions=source', '--input-type=module', '--eval', code, join(folder, 'index.db')]
  expect((await promisify(execFile)(process.execPath, args)).stdout).toBe('1\n')
})

test('closing ends the threads and rejects what is under way', async () => {
  threads = open(2)
  const asked = Promise.allSettled([ask('one'), ask('wait'), ask('wait'), ask('four')])
  await threads.close()
  const problems = (await asked).flatMap((end) => (end.status === 'rejected' ? [String(end.reason)] : []))
  expect(problems).toHaveLength(4)
  expect(new Set(problems)).toEqual(new Set([`RetrievalError: ${gate}: the retrieval index is closed`]))
  await expect(ask('late')).rejects.toThrow('the retrieval index is closed')
  await threads.close()
})
