import { equal, ok } from 'node:assert/strict'
import type { SessionStore } from '../../stores/session-store.ts'
import { type SessionCheck, type SessionChecks, type SessionStoreSubject, withOther } from './session-check.ts'

const ttlMs = 400

/** A use of a session that is to make its time begin anew: the `count`th, 1 …. Whether the session was there. */
type Use = (store: SessionStore, id: string, count: number) => Promise<boolean>

const uses: Readonly<Record<'get' | 'touch' | 'update', Use>> = {
  get: async (store, id) => (await store.get(id)) !== undefined,
  touch: (store, id) => store.touch(id),
  update: async (store, id, count) => (await store.update(id, count, `state ${count}`)) === 'ok',
}

/**
 * Uses a session for longer than it would last without, at intervals that are much shorter.
 *
 * @returns `false` when the machine was so slow that the session may have ended all the same.
 */
async function outlives(subject: SessionStoreSubject, id: string, use: Use): Promise<boolean> {
  const { store } = subject
  let usedAt = subject.now()
  const until = usedAt + 2 * ttlMs
  await store.update(id, 0, 'state 0')
  for (let count = 1; usedAt < until; count++) {
    await subject.advance(50)
    const before = subject.now()
    const wasThere = await use(store, id, count)
    if (subject.now() >= usedAt + ttlMs) return false
    ok(wasThere, `a session that was used ${subject.now() - usedAt} ms ago must be there for ${ttlMs} ms`)
    usedAt = before
  }
  return true
}

function slides(use: Use): SessionCheck {
  return {
    options: { ttlMs, maxAgeMs: 100 * ttlMs },
    check: async (subject) => {
      for (let attempt = 1; !(await outlives(subject, `session ${attempt}`, use));) attempt += 1
    },
  }
}

/** That there is no session any more, whatever is asked. */
async function isOver(store: SessionStore, version: number): Promise<void> {
  equal(await store.get('a'), undefined)
  equal(await store.touch('a'), false)
  equal(await store.delete('a'), false)
  equal(await store.update('a', version, 'late'), 'conflict')
  equal(await store.get('a'), undefined)
}

/** That it can be made anew, and then has all of its time. */
async function beginsAnew(subject: SessionStoreSubject, id: string, lastsMs: number): Promise<void> {
  const { store } = subject
  for (;;) {
    const before = subject.now()
    equal(await store.update(id, 0, `made at ${before}`), 'ok')
    const found = await store.get(id)
    if (subject.now() < before + lastsMs) {
      equal(found?.version, 1)
      return
    }
    // The machine was so slow that it may be over already.
    await store.delete(id)
  }
}

export const timeChecks: SessionChecks = {
  'a session lasts as long as it is read': slides(uses.get),
  'a session lasts as long as it is touched': slides(uses.touch),
  'a session lasts as long as it is updated': slides(uses.update),
  'a session is over when it was not used for ttlMs, and can be made anew': {
    options: { ttlMs: 30 },
    check: async (subject) => {
      equal(await subject.store.update('a', 0, 'x'), 'ok')
      await subject.advance(40)
      await isOver(subject.store, 1)
      await beginsAnew(subject, 'a', 30)
    },
  },
  'a session is over after maxAgeMs however often it is used, and can be made anew': {
    options: { ttlMs: 100, maxAgeMs: 200 },
    check: async (subject) => {
      const { store } = subject
      await store.update('a', 0, 'x')
      await store.update('b', 0, 'x')
      const until = subject.now() + 200
      let version = 1
      while (subject.now() <= until) {
        await uses.get(store, 'a', version)
        await uses.touch(store, 'a', version)
        if (await uses.update(store, 'a', version)) version += 1
        await subject.advance(10)
      }
      // Nobody has asked for it since it was over.
      await beginsAnew(subject, 'b', 100)
      await isOver(store, version)
      await beginsAnew(subject, 'a', 100)
    },
  },
  'a session is over for a store whose maxAgeMs has passed since it was made': {
    options: {},
    check: async (subject) => {
      await subject.store.update('a', 0, 'x')
      await subject.advance(40)
      await withOther(subject, { maxAgeMs: 30 }, (other) => isOver(other, 1))
    },
  },
}
