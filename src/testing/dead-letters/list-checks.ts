import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import type { DeadLetterFilter } from '../../stores/dead-letter-store.ts'
import { claim, claimedOf, letterOf, listAll, longMs, putAll, stored, type StoreChecks } from './store-check.ts'

export const listChecks: StoreChecks = {
  'list gives what get gives, oldest submission first': {
    options: {},
    check: async (subject) => {
      const { store } = subject
      const now = subject.now()
      for (const [at, id] of ['c', 'a', 'b'].entries()) {
        await store.put(letterOf(subject, id, { firstSeenAt: now - 1_000 * at, session: `session ${id}` }))
        await subject.advance(2)
      }
      await claim(store, 1)
      const entries = await listAll(store)
      deepEqual(
        entries.map(({ submissionId }) => submissionId),
        ['b', 'a', 'c'],
      )
      for (const entry of entries) deepEqual(entry, await stored(store, entry.submissionId))
      deepEqual((await store.list({ limit: 3 })).entries, entries)
    },
  },
  'list gives only what all of a filter fits': {
    options: {},
    check: async (subject) => {
      const { store } = subject
      const now = subject.now()
      await store.put(letterOf(subject, 'leased', { pipeline: 'other' }))
      await store.claim({ pipeline: 'other', limit: 1, leaseMs: longMs })
      await store.put(letterOf(subject, 'dead', { reason: 'stage_timeout', session: 'one' }), { dead: true })
      await store.put(letterOf(subject, 'old', { firstSeenAt: now - 1_000, stage: 'rag', session: 'one' }))
      await store.put(letterOf(subject, 'shed', { kind: 'shed', reason: 'full', firstSeenAt: now + 1_000 }))
      const cases: readonly (readonly [DeadLetterFilter, readonly string[]])[] = [
        [{}, ['old', 'leased', 'dead', 'shed']],
        [{ pipeline: 'other' }, ['leased']],
        [{ stage: 'rag' }, ['old']],
        [{ kind: 'shed' }, ['shed']],
        [{ reason: 'stage_timeout' }, ['dead']],
        [{ state: 'leased' }, ['leased']],
        [{ state: 'due' }, ['old', 'shed']],
        [{ session: 'one' }, ['old', 'dead']],
        [{ from: now - 1_000, to: now }, ['old']],
        [{ from: now - 999 }, ['leased', 'dead', 'shed']],
        [{ to: now - 1_000 }, []],
        [{ session: 'one', state: 'dead', kind: 'failed', pipeline: 'chat' }, ['dead']],
        [{ session: 'one', stage: 'no such stage' }, []],
        [{ session: 'two' }, []],
      ]
      for (const [filter, expected] of cases) {
        const found = (await listAll(store, { ...filter, limit: 2 })).map(({ submissionId }) => submissionId)
        deepEqual(new Set(found), new Set(expected), `${JSON.stringify(filter)} gives ${found.join(', ')}`)
        equal(found.length, expected.length)
      }
    },
  },
  'list gives each entry that stays exactly once, whatever comes and goes': {
    options: {},
    check: async (subject) => {
      const { store } = subject
      const now = subject.now()
      // Many of the same time.
      const put = (id: string, at: number): Promise<unknown> =>
        store.put(letterOf(subject, id, { firstSeenAt: now + Math.floor(at / 7) }))
      const stay = Array.from({ length: 40 }, (_, at) => `stays ${at}`)
      const go = Array.from({ length: 10 }, (_, at) => `goes ${at}`)
      await Promise.all([...stay.map(put), ...go.map((id, at) => put(id, 4 * at))])
      const seen: string[] = []
      let cursor: string | undefined
      for (let page = 0; page === 0 || cursor !== undefined; page++) {
        ok(page < 1_000, 'the list must end')
        const found = await store.list({ limit: 4, ...(cursor !== undefined && { cursor }) })
        ok(found.entries.length <= 4, `a page of 4 has ${found.entries.length}`)
        seen.push(...found.entries.map(({ submissionId }) => submissionId))
        cursor = found.cursor
        await put(`comes ${page}`, 3 * page)
        const gone = go.pop()
        if (gone !== undefined) await store.purge([gone])
        await claim(store, 2)
      }
      equal(new Set(seen).size, seen.length, 'nothing is listed twice')
      deepEqual(seen.filter((id) => id.startsWith('stays')).toSorted(), stay.toSorted())
    },
  },
  'list refuses a limit that is not allowed, and a cursor that is none': {
    options: {},
    check: async ({ store }) => {
      await rejects(store.list({ limit: 0 }), RangeError)
      await rejects(store.list({ limit: 101 }), RangeError)
      const key = 'A'.repeat(43)
      for (const cursor of ['', 'no cursor', '*', `1.2.3~${key}`, `.~${key}`, `1e999~${key}`])
        await rejects(store.list({ cursor }), RangeError)
    },
  },
  'counts what there is, and what became of all': {
    options: { maxAttempts: 1, maxEntries: 4 },
    check: async (subject) => {
      const { store } = subject
      const nothing = {
        stored: 0,
        rejected: 0,
        acked: 0,
        died: 0,
        replayed: 0,
        evicted: 0,
        expired: 0,
        purged: 0,
        orphaned: 0,
      }
      deepEqual(await store.counts(), { due: 0, leased: 0, dead: 0, bytes: 0, totals: nothing })
      await putAll(subject, ['a', 'b', 'c', 'd'])
      equal(await store.put(letterOf(subject, 'e')), 'full')
      const claimed = await claim(store, 3)
      await store.ack(claimedOf(claimed, 'a').lease)
      const { letter, lease } = claimedOf(claimed, 'b')
      await store.fail(lease, letter, { retryInMs: longMs })
      const { bytes, ...counts } = await store.counts()
      ok(Number.isInteger(bytes) && bytes > 0, `bytes must be a number of them, are ${bytes}`)
      deepEqual(counts, {
        due: 1,
        leased: 1,
        dead: 1,
        totals: { ...nothing, stored: 4, rejected: 1, acked: 1, died: 1 },
      })
      const other = await subject.reopen({})
      deepEqual(await other.counts(), { ...counts, bytes })
      await other.close()
    },
  },
}
