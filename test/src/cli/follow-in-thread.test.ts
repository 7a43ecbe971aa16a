import { afterEach, expect, test } from 'vitest'
import { followInThread } from '../../../src/cli/follow-in-thread.ts'
import { silentLogger } from '../../../src/logger.ts'
import type { DocumentFollower } from '../../../src/retrieval/follow-documents.ts'
import type { IndexReport } from '../../../src/retrieval/index-report.ts'
import { VirtualClock } from '../../../src/testing/index.ts'

const program = new URL('../../fixtures/mortal-following-thread.ts', import.meta.url)
const restartMs = 5_000
let follower: DocumentFollower | undefined
afterEach(async () => {
  await follower?.close()
})

type Told = IndexReport | Error | { readonly path: string; readonly error: string }

/** Follows `paths` in a thread that may die, and gives what is heard of it, one after the other. */
function follow(...paths: readonly string[]): { readonly next: () => Promise<Told>; readonly clock: VirtualClock } {
  const clock = new VirtualClock()
  const told: Told[] = []
  let wake = (): void => undefined
  const hear = (what: Told): void => {
    told.push(what)
    wake()
  }
  const place = { dataDir: 'data', root: '.', paths, chunks: { maxTokens: 256, overlapTokens: 25 } }
  const logger = { ...silentLogger, error: (fields: object) => hear(fields as Told) }
  const hearing = { logger, clock, onProgress: () => undefined, onReport: hear, onError: hear }
  follower = followInThread({ place, maxBytes: 1_000, embedding: undefined, ...hearing }, program)
  return {
    clock,
    next: async () => {
      while (told.length === 0) await new Promise<void>((resolve) => (wake = resolve))
      return told.shift()!
    },
  }
}

test('a document that ends the thread is told of and left out, the others are indexed', async () => {
  const { next, clock } = follow('a.md', 'die', 'b.md', 'throw')
  expect(await next()).toEqual({ path: 'die', error: 'without an error' })
  await clock.advance(restartMs)
  expect(await next()).toEqual({ path: 'throw', error: 'out of memory' })
  await clock.advance(restartMs)
  expect(await next()).toMatchObject({
    documents: 4,
    leftOut: [
      { path: 'die', reason: 'ended the thread that read it: without an error' },
      { path: 'throw', reason: 'ended the thread that read it: out of memory' },
    ],
  })
})

test('a document that was read again is left out no longer, whatever ends the thread later', async () => {
  const { next, clock } = follow('mended', 'idle')
  expect(await next()).toEqual({ path: 'mended', error: 'without an error' })
  await clock.advance(restartMs)
  expect(await next()).toMatchObject({ leftOut: [{ path: 'mended' }] })
  expect(await next()).toEqual(new Error('the thread that follows the documents has ended: without an error'))
  await clock.advance(restartMs)
  // The thread of the fixture reads it as for the first time: it was not told to leave it out.
  expect(await next()).toEqual({ path: 'mended', error: 'without an error' })
})

test.each([
  ['before it reads anything', 'unread', 0],
  ['when it has read all', 'idle', 1],
])('a thread that ends %s is started again, and nothing is left out', async (_when, path, reports) => {
  const { next, clock } = follow(path)
  for (let times = 0; times < 3; times++) {
    for (let count = 0; count < reports; count++) expect(await next()).toMatchObject({ leftOut: [] })
    expect(await next()).toEqual(new Error('the thread that follows the documents has ended: without an error'))
    await clock.advance(restartMs)
  }
})

test('once closed, no thread is started again', async () => {
  const { next, clock } = follow('unread')
  await next()
  await follower!.close()
  expect(clock.pending).toBe(0)
})
