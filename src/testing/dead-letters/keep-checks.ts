import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import {
  claim,
  claimedOf,
  claimOnly,
  idsOf,
  leaseOver,
  letterOf,
  listAll,
  longMs,
  putAll,
  stored,
  type StoreChecks,
} from './store-check.ts'

const tooMany = Array.from({ length: 101 }, (_, at) => `${at}`)

/** What happens to entries that nobody redrives. */
export const keepChecks: StoreChecks = {
  'replay gives a dead one all its attempts again, and its epoch grows on': {
    options: { maxAttempts: 1 },
    check: async (subject) => {
      const { store } = subject
      await putAll(subject, ['a'])
      for (const round of [1, 2]) {
        const { letter, lease } = await claimOnly(store)
        const before = { attempts: letter.attempts, epoch: letter.epoch, replays: letter.replays }
        deepEqual(before, { attempts: 1, epoch: round, replays: round - 1 })
        equal(await store.fail(lease, letter, { retryInMs: 0 }), 'dead')
        deepEqual(await store.replay(['a']), ['replayed'])
        const { state, stateAt, attempts, epoch, replays } = await stored(store, 'a')
        deepEqual({ state, attempts, epoch, replays }, { state: 'due', attempts: 0, epoch: round, replays: round })
        ok(stateAt <= subject.now(), `it must be due now, not at ${stateAt}`)
      }
      equal((await store.counts()).totals.replayed, 2)
    },
  },
  'replay twice is replay once, and each id has its answer': {
    options: {},
    check: async (subject) => {
      const { store } = subject
      await putAll(subject, ['acked', 'leased', 'later'])
      const first = await claim(store)
      await store.ack(claimedOf(first, 'acked').lease)
      const later = claimedOf(first, 'later')
      await store.fail(later.lease, later.letter, { retryInMs: longMs })
      await putAll(subject, ['dead'], { dead: true })
      const submissionIds = ['later', 'dead', 'leased', 'acked', 'no', 'dead']
      deepEqual(await store.replay(submissionIds), ['due', 'replayed', 'leased', 'acked', 'unknown', 'due'])
      const once = await listAll(store)
      deepEqual(await store.replay(submissionIds), ['due', 'due', 'leased', 'acked', 'unknown', 'due'])
      deepEqual(await listAll(store), once)
      equal((await store.counts()).totals.replayed, 1)
      const claimed = await claim(store)
      deepEqual(new Set(idsOf(claimed)), new Set(['later', 'dead']))
      equal(claimedOf(claimed, 'later').letter.attempts, 2)
      deepEqual(await store.replay([]), [])
    },
  },
  'purge deletes in every state, once': {
    options: {},
    check: async (subject) => {
      const { store } = subject
      await putAll(subject, ['leased'])
      await claimOnly(store)
      await putAll(subject, ['due', 'kept'])
      await putAll(subject, ['dead'], { dead: true })
      deepEqual(await store.purge(['dead', 'no', 'leased', 'due', 'due']), [
        'purged',
        'unknown',
        'purged',
        'purged',
        'unknown',
      ])
      deepEqual(await store.purge(['dead']), ['unknown'])
      deepEqual(
        (await listAll(store)).map(({ submissionId }) => submissionId),
        ['kept'],
      )
      equal((await store.counts()).totals.purged, 3)
    },
  },
  'replay and purge take at most 100 ids, or change nothing': {
    options: {},
    check: async (subject) => {
      const { store } = subject
      await putAll(subject, ['0'], { dead: true })
      await rejects(store.replay(tooMany), RangeError)
      await rejects(store.purge(tooMany), RangeError)
      equal((await stored(store, '0')).state, 'dead')
      const results = await store.purge(tooMany.slice(0, 100))
      deepEqual([results.length, results[0]], [100, 'purged'])
    },
  },
  'beyond maxDead the one that has been dead longest is evicted': {
    options: { maxDead: 2, maxEntries: 3 },
    check: async (subject) => {
      const { store } = subject
      await putAll(subject, ['c', 'b', 'a'])
      const claimed = await claim(store)
      // They die in another order than they came.
      for (const id of ['b', 'c', 'a']) {
        const { letter, lease } = claimedOf(claimed, id)
        equal(await store.fail(lease, letter, { retryInMs: 0, final: true }), 'dead')
        await subject.advance(2)
      }
      equal(await store.get('b'), undefined)
      await putAll(subject, ['d'], { dead: true })
      equal(await store.get('c'), undefined)
      const { dead, totals } = await store.counts()
      // `d` was brought as dead: it did not die here.
      deepEqual({ dead, evicted: totals.evicted, died: totals.died }, { dead: 2, evicted: 2, died: 3 })
      await store.replay(['a', 'd'])
      await putAll(subject, ['e'], { dead: true })
      equal((await store.counts()).totals.evicted, 2)
    },
  },
  'what gave up its worker is among maxDead, too': {
    options: { maxDead: 1, maxAttempts: 1 },
    check: async (subject) => {
      const { store } = subject
      await putAll(subject, ['a'])
      await leaseOver(subject)
      await putAll(subject, ['b'], { dead: true })
      deepEqual(await claim(store), [])
      const { dead, totals } = await store.counts()
      deepEqual({ dead, died: totals.died, evicted: totals.evicted }, { dead: 1, died: 1, evicted: 1 })
      equal((await stored(store, 'a')).state, 'dead')
    },
  },
  'what is older than maxAgeMs is not claimed, and makes room': {
    options: { maxAgeMs: longMs, maxEntries: 2 },
    check: async (subject) => {
      const { store } = subject
      const old = { firstSeenAt: subject.now() - longMs + 20 }
      await store.put(letterOf(subject, 'a', old))
      await store.put(letterOf(subject, 'b', old), { dead: true })
      await subject.advance(30)
      equal(await store.put(letterOf(subject, 'c')), 'stored')
      equal(await store.get('a'), undefined)
      equal(await store.get('b'), undefined)
      equal((await store.counts()).totals.expired, 2)
      await store.put(letterOf(subject, 'd', { firstSeenAt: subject.now() - longMs - 1 }))
      deepEqual(idsOf(await claim(store)), ['c'])
      equal((await store.counts()).totals.expired, 3)
    },
  },
  'sweep ends leases and entries whose time is over, and says how many': {
    options: { maxAgeMs: longMs, maxAttempts: 1, maxDead: 1 },
    check: async (subject) => {
      const { store } = subject
      await putAll(subject, ['a'])
      await leaseOver(subject)
      await putAll(subject, ['b'])
      await store.put(letterOf(subject, 'c', { firstSeenAt: subject.now() - longMs - 1 }))
      deepEqual(await store.sweep(), { released: 1, expired: 1, evicted: 0, repaired: 0, orphaned: 0 })
      deepEqual(
        (await listAll(store)).map(({ submissionId, state }) => [submissionId, state]),
        [
          ['a', 'dead'],
          ['b', 'due'],
        ],
      )
      deepEqual(await store.sweep(), { released: 0, expired: 0, evicted: 0, repaired: 0, orphaned: 0 })
      const { totals } = await store.counts()
      deepEqual({ died: totals.died, expired: totals.expired }, { died: 1, expired: 1 })
    },
  },
  'sweep makes what nobody ended due again': {
    options: {},
    check: async (subject) => {
      await putAll(subject, ['a'])
      await leaseOver(subject)
      equal((await subject.store.sweep()).released, 1)
      const { state, attempts, epoch } = await stored(subject.store, 'a')
      deepEqual({ state, attempts, epoch }, { state: 'due', attempts: 1, epoch: 1 })
      equal((await claimOnly(subject.store)).letter.attempts, 2)
    },
  },
}
