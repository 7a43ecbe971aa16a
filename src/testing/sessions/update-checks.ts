import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import type { SessionStore } from '../../stores/session-store.ts'
import { type SessionChecks, stored, withOther } from './session-check.ts'

/** What can never be the version of the session. */
const wrongVersions = [-1, 0.5, NaN, '1' as unknown as number] as const

/** Appends to the session's list, as often as it takes until nobody else was faster. */
async function append(store: SessionStore, writer: number): Promise<void> {
  for (;;) {
    const { version, state } = (await store.get('a')) ?? { version: 0, state: [] }
    if ((await store.update('a', version, [...(state as readonly number[]), writer])) === 'ok') return
  }
}

export const updateChecks: SessionChecks = {
  'has nothing of a session that was never stored': {
    options: {},
    check: async ({ store }) => {
      equal(await store.get('a'), undefined)
      equal(await store.touch('a'), false)
      equal(await store.delete('a'), false)
      equal(await store.update('a', 1, 'x'), 'conflict')
      equal(await store.get('a'), undefined)
    },
  },
  'gives what was stored, with its version and time': {
    options: {},
    check: async (subject) => {
      const { store } = subject
      for (const version of [1, 2, 3]) {
        const before = subject.now()
        equal(await store.update('a', version - 1, { turns: version }), 'ok')
        const after = subject.now()
        const session = await stored(store, 'a')
        deepEqual({ ...session, updatedAt: 0 }, { version, state: { turns: version }, updatedAt: 0 })
        ok(
          session.updatedAt >= before && session.updatedAt <= after,
          `updatedAt must be from ${before} to ${after}, got ${session.updatedAt}`,
        )
        equal(await store.touch('a'), true)
        deepEqual(await stored(store, 'a'), session, 'a use changes nothing but its time')
      }
    },
  },
  'gives another process what was stored': {
    options: {},
    check: async (subject) => {
      await subject.store.update('a', 0, 'x')
      await withOther(subject, {}, async (other) => {
        deepEqual(await stored(other, 'a'), await stored(subject.store, 'a'))
        equal(await other.update('a', 1, 'y'), 'ok')
      })
      equal((await stored(subject.store, 'a')).state, 'y')
    },
  },
  'refuses an update of any other version, and leaves the session as it is': {
    options: {},
    check: async ({ store }) => {
      await store.update('a', 0, 'x')
      await store.update('a', 1, 'y')
      const before = await stored(store, 'a')
      for (const version of [0, 1, 3, 4, 1_000_000_000_000]) {
        equal(await store.update('a', version, `z${version}`), 'conflict', `version ${version} of 2`)
      }
      deepEqual(await stored(store, 'a'), before)
    },
  },
  'says ok to the same update again, and stores it once': {
    options: {},
    check: async ({ store }) => {
      const state = { messages: ['hello'], dropped: 0 }
      deepEqual(await Promise.all(Array.from({ length: 5 }, () => store.update('a', 0, state))), Array(5).fill('ok'))
      equal((await stored(store, 'a')).version, 1)
      equal(await store.update('a', 1, 'next'), 'ok')
      equal(await store.update('a', 1, 'next'), 'ok')
      equal(await store.update('a', 1, 'other'), 'conflict')
      equal(await store.update('a', 0, state), 'conflict')
      const { version, state: last } = await stored(store, 'a')
      deepEqual({ version, last }, { version: 2, last: 'next' })
    },
  },
  'of those who update at the same time exactly one wins': {
    options: {},
    check: async (subject) => {
      const { store } = subject
      await withOther(subject, {}, async (other) => {
        for (let version = 0; version < 5; version++) {
          const results = await Promise.all(
            Array.from({ length: 10 }, (_, writer) =>
              (writer % 2 === 0 ? store : other).update('a', version, `${version}.${writer}`),
            ),
          )
          equal(results.filter((result) => result === 'ok').length, 1, results.join())
          const { updatedAt: _, ...session } = await stored(store, 'a')
          deepEqual(session, { version: version + 1, state: `${version}.${results.indexOf('ok')}` })
        }
      })
    },
  },
  'loses no update of those who try again after a conflict': {
    options: {},
    check: async (subject) => {
      const writers = Array.from({ length: 10 }, (_, writer) => writer)
      await withOther(subject, {}, async (other) => {
        await Promise.all(writers.map((writer) => append(writer % 2 === 0 ? subject.store : other, writer)))
      })
      const { version, state } = await stored(subject.store, 'a')
      equal(version, 10)
      deepEqual(
        (state as number[]).toSorted((a, b) => a - b),
        writers,
      )
    },
  },
  'forgets what is deleted, and begins at version 1 again': {
    options: {},
    check: async ({ store }) => {
      await store.update('a', 0, 'x')
      await store.update('a', 1, 'y')
      await store.update('b', 0, 'z')
      equal(await store.delete('a'), true)
      equal(await store.delete('a'), false)
      equal(await store.get('a'), undefined)
      equal(await store.touch('a'), false)
      equal(await store.update('a', 2, 'x'), 'conflict')
      equal(await store.update('a', 0, 'x'), 'ok')
      equal((await stored(store, 'a')).version, 1)
      equal((await stored(store, 'b')).state, 'z')
    },
  },
  'refuses an id that is no text and a version that is no whole number': {
    options: {},
    check: async ({ store }) => {
      const wrong = 7 as unknown as string
      for (const call of [store.get(wrong), store.update(wrong, 0, 'x'), store.touch(wrong), store.delete(wrong)]) {
        await rejects(call, TypeError)
      }
      for (const version of wrongVersions) {
        await rejects(
          store.update('a', version, 'x'),
          (error) => error instanceof RangeError || error instanceof TypeError,
        )
      }
      equal(await store.get('a'), undefined)
    },
  },
  "rejects an aborted call with the signal's reason, and leaves no listener": {
    options: {},
    check: async ({ store }) => {
      await store.update('a', 0, 'x')
      const calls: readonly ((signal: AbortSignal) => Promise<unknown>)[] = [
        (signal) => store.get('a', { signal }),
        (signal) => store.update('a', 1, 'y', { signal }),
        (signal) => store.touch('a', { signal }),
        (signal) => store.delete('a', { signal }),
      ]
      const reason = new Error('no longer wanted')
      for (const call of calls) await rejects(call(AbortSignal.abort(reason)), (error) => error === reason)
      equal((await stored(store, 'a')).version, 1)
      const { signal } = new AbortController()
      for (const call of calls) await call(signal)
      equal(getEventListeners(signal, 'abort').length, 0)
    },
  },
  'closes more than once, and does nothing more': {
    options: {},
    check: async ({ store }) => {
      await store.update('a', 0, 'x')
      await store.close()
      await store.close()
      const closed = { code: 'store_failed' }
      await rejects(store.get('a'), closed)
      await rejects(store.update('a', 1, 'y'), closed)
      await rejects(store.touch('a'), closed)
      await rejects(store.delete('a'), closed)
    },
  },
}
