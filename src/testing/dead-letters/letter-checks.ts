import { deepEqual, equal, rejects } from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { claim, claimOnly, letterOf, listAll, longMs, putAll, stored, type StoreChecks } from './store-check.ts'

const strangeIds = [
  '*',
  '>',
  '.',
  '}',
  '{a}',
  '\u0000',
  'a\u0000b',
  ' ',
  '😀',
  'é',
  'e\u0301',
  '\ud800',
  '\udc00',
  '%_',
  "'; DROP TABLE letters; --",
  '__proto__',
  '../..',
  'a:b\r\n',
] as const

/** Ten million characters. */
const longId = 'long '.repeat(2_000_000)

export const letterChecks: StoreChecks = {
  'takes whatever text for an id or a session, each for itself': {
    options: {},
    check: async (subject) => {
      const { store } = subject
      await Promise.all(
        strangeIds.map(async (id) => {
          equal(await store.put(letterOf(subject, id, { id, session: id, reason: 'full', request: id })), 'stored')
        }),
      )
      for (const id of strangeIds) {
        const letter = await stored(store, id)
        const { submissionId, session, request } = letter
        deepEqual({ submissionId, id: letter.id, session, request }, { submissionId: id, id, session: id, request: id })
        const ofSession = await listAll(store, { session: id })
        deepEqual(
          ofSession.map(({ submissionId }) => submissionId),
          [id],
        )
      }
      const claimed = await store.claim({ pipeline: 'chat', limit: 100, leaseMs: longMs, perSession: 1 })
      equal(claimed.length, strangeIds.length)
      for (const { lease } of claimed) equal(await store.ack(lease), 'acked')
      deepEqual(
        await store.replay(strangeIds),
        Array.from(strangeIds, () => 'acked'),
      )
    },
  },
  'takes an id of 10 MB': {
    options: { maxEntryBytes: 40_000_000, maxBytes: 80_000_000 },
    check: async (subject) => {
      const { store } = subject
      equal(await store.get(longId), undefined)
      deepEqual(await store.purge([longId]), ['unknown'])
      await putAll(subject, [longId], { changes: { id: 'short', error: 'short', request: 'short', session: longId } })
      equal((await stored(store, longId)).submissionId.length, longId.length)
      const { lease } = await claimOnly(store)
      equal(await store.ack(lease), 'acked')
      deepEqual(await store.replay([longId]), ['acked'])
    },
  },
  "rejects an aborted call with the signal's reason, and leaves no listener": {
    options: {},
    check: async (subject) => {
      const { store } = subject
      const letter = letterOf(subject, 'a')
      await store.put(letter)
      const { lease } = await claimOnly(store)
      const calls: readonly ((signal: AbortSignal) => Promise<unknown>)[] = [
        (signal) => store.put(letterOf(subject, 'b'), { signal }),
        (signal) => store.claim({ pipeline: 'chat', limit: 1, leaseMs: longMs, signal }),
        (signal) => store.get('a', { signal }),
        (signal) => store.list({ signal }),
        (signal) => store.counts({ signal }),
        (signal) => store.sweep({ signal }),
        (signal) => store.replay(['a'], { signal }),
        (signal) => store.extend(lease, { leaseMs: longMs, signal }),
        (signal) => store.defer(lease, { retryInMs: 0, signal }),
        (signal) => store.fail(lease, letter, { retryInMs: 0, signal }),
        (signal) => store.ack(lease, { signal }),
        (signal) => store.purge(['a'], { signal }),
      ]
      const reason = new Error('no longer wanted')
      for (const call of calls) await rejects(call(AbortSignal.abort(reason)), (error) => error === reason)
      deepEqual(
        (await listAll(store)).map(({ submissionId, state }) => [submissionId, state]),
        [['a', 'leased']],
      )
      const { signal } = new AbortController()
      for (const call of calls) await call(signal)
      equal(getEventListeners(signal, 'abort').length, 0)
    },
  },
  'closes more than once, and does nothing more': {
    options: {},
    check: async (subject) => {
      const { store } = subject
      await putAll(subject, ['a'])
      await store.close()
      await store.close()
      const closed = { code: 'store_failed' }
      await rejects(store.put(letterOf(subject, 'b')), closed)
      await rejects(claim(store), closed)
      await rejects(store.get('a'), closed)
      await rejects(store.counts(), closed)
      await rejects(store.sweep(), closed)
    },
  },
}
