import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import type { ClaimedDeadLetter, DeadLetterStore } from '../../stores/dead-letter-store.ts'
import {
  claim,
  claimedOf,
  claimOnly,
  idsOf,
  leaseOver,
  letterOf,
  longMs,
  putAll,
  stored,
  type StoreChecks,
} from './store-check.ts'

const sessions = { changes: { session: 'one' } }

export const claimChecks: StoreChecks = {
  'claim leases what is due, that due longest first, at most limit, with all that is known': {
    options: {},
    check: async (subject) => {
      const { store } = subject
      await putAll(subject, ['c', 'a', 'd', 'b'])
      const before = await stored(store, 'c')
      const start = subject.now()
      const first = await claim(store, 3)
      deepEqual(idsOf(first), ['c', 'a', 'd'])
      const { letter, lease } = claimedOf(first, 'c')
      const { stateAt } = letter
      deepEqual(letter, { ...before, state: 'leased', stateAt, attempts: 1, epoch: 1 })
      ok(stateAt >= start + longMs && stateAt <= subject.now() + longMs, `the lease must end in a minute: ${stateAt}`)
      equal(lease.submissionId, 'c')
      equal(lease.epoch, 1)
      deepEqual(await stored(store, 'c'), letter)
      deepEqual(idsOf(await claim(store)), ['b'])
      deepEqual(await claim(store), [])
    },
  },
  'claim leases nothing twice, by whomever': {
    options: {},
    check: async (subject) => {
      const other = await subject.reopen({})
      const submissionIds = Array.from({ length: 40 }, (_, at) => `${at}`)
      await Promise.all(submissionIds.map((id) => subject.store.put(letterOf(subject, id))))
      const all = async (store: DeadLetterStore): Promise<readonly ClaimedDeadLetter[]> => {
        const some = await claim(store, 3)
        return some.length === 0 ? [] : [...some, ...(await all(store))]
      }
      const claimed = (await Promise.all([all(subject.store), all(other), all(subject.store)])).flat()
      deepEqual(idsOf(claimed).toSorted(), submissionIds.toSorted())
      equal(new Set(claimed.map(({ lease }) => lease.token)).size, 40)
      await other.close()
    },
  },
  'claim leases at most perSession of one session at a time, by whomever, and passes over the others': {
    options: {},
    check: async (subject) => {
      const { store } = subject
      await putAll(subject, ['a', 'b', 'c'], sessions)
      await putAll(subject, ['d'], { changes: { session: 'two' } })
      await putAll(subject, ['e', 'f'])
      const limits = { pipeline: 'chat', limit: 100, leaseMs: longMs, perSession: 1 }
      const first = await store.claim(limits)
      deepEqual(idsOf(first), ['a', 'd', 'e', 'f'])
      const other = await subject.reopen({})
      deepEqual(await other.claim(limits), [])
      await other.close()
      await store.ack(claimedOf(first, 'a').lease)
      deepEqual(idsOf(await store.claim(limits)), ['b'])
      deepEqual(idsOf(await store.claim({ ...limits, perSession: 2 })), ['c'])
    },
  },
  'claim finds what stands behind many of a session that may lease no more': {
    options: {},
    check: async (subject) => {
      const { store } = subject
      const crowd = Array.from({ length: 120 }, (_, at) => letterOf(subject, `${at}`, { session: 'one' }))
      await Promise.all(crowd.map((letter) => store.put(letter)))
      await subject.advance(2)
      await putAll(subject, ['last'], { changes: { session: 'two' } })
      const claimed = await store.claim({ pipeline: 'chat', limit: 2, leaseMs: longMs, perSession: 1 })
      equal(claimed.length, 2)
      equal(idsOf(claimed)[1], 'last')
    },
  },
  'claim takes entries of one pipeline alone': {
    options: {},
    check: async (subject) => {
      const { store } = subject
      await putAll(subject, ['a', 'b'], { changes: { pipeline: 'other' } })
      await putAll(subject, ['c'])
      deepEqual(idsOf(await claim(store)), ['c'])
      deepEqual(await claim(store), [])
      deepEqual(idsOf(await store.claim({ pipeline: 'other', limit: 1, leaseMs: longMs })), ['a'])
    },
  },
  'claim takes what nobody ended in time, under a greater epoch': {
    options: {},
    check: async (subject) => {
      await putAll(subject, ['a'])
      const over = await leaseOver(subject)
      const { letter, lease } = await claimOnly(subject.store)
      const { attempts, epoch } = letter
      deepEqual({ attempts, epoch, ofLease: lease.epoch }, { attempts: 2, epoch: 2, ofLease: 2 })
      ok(lease.token !== over.token, 'each lease has a token of its own')
    },
  },
  'claim counts no session as leased whose lease is over': {
    options: {},
    check: async (subject) => {
      await putAll(subject, ['a'], sessions)
      await leaseOver(subject)
      await putAll(subject, ['b'], sessions)
      const claimed = await subject.store.claim({ pipeline: 'chat', limit: 100, leaseMs: longMs, perSession: 1 })
      deepEqual(idsOf(claimed), ['a'])
    },
  },
  'what nobody ended in time has failed by that, until it fails again': {
    options: {},
    check: async (subject) => {
      const { store } = subject
      await putAll(subject, ['a'], { changes: { kind: 'expired', reason: 'deadline', error: 'no more time' } })
      await leaseOver(subject)
      const { letter, lease } = await claimOnly(store)
      const { stage, kind, reason, firstSeenAt, lastSeenAt } = letter
      deepEqual({ stage, kind, reason }, { stage: 'inference', kind: 'failed', reason: 'lease_over' })
      ok(!('error' in letter), 'the error before says nothing of it')
      ok(lastSeenAt >= firstSeenAt + 5 && lastSeenAt <= subject.now(), `it ended with its lease, not at ${lastSeenAt}`)
      equal(await store.defer(lease, { retryInMs: 0 }), 'due')
      const again = await claimOnly(store)
      equal(again.letter.reason, 'lease_over')
      await store.fail(again.lease, { stage: 'post', kind: 'shed', reason: 'full' }, { retryInMs: 0 })
      equal((await claimOnly(store)).letter.reason, 'full')
    },
  },
  'claim gives up what never came back in maxAttempts': {
    options: { maxAttempts: 2 },
    check: async (subject) => {
      const { store } = subject
      await putAll(subject, ['a'])
      await leaseOver(subject)
      equal((await leaseOver(subject)).epoch, 2)
      deepEqual(await claim(store), [])
      const { state, attempts, reason } = await stored(store, 'a')
      deepEqual({ state, attempts, reason }, { state: 'dead', attempts: 2, reason: 'lease_over' })
      equal((await store.counts()).totals.died, 1)
    },
  },
  'claim refuses a number that is not allowed': {
    options: {},
    check: async ({ store }) => {
      await rejects(store.claim({ pipeline: 'chat', limit: 0, leaseMs: 1 }), RangeError)
      await rejects(store.claim({ pipeline: 'chat', limit: 101, leaseMs: 1 }), RangeError)
      await rejects(store.claim({ pipeline: 'chat', limit: 1, leaseMs: 0 }), RangeError)
      await rejects(store.claim({ pipeline: 'chat', limit: 1, leaseMs: NaN }), RangeError)
      await rejects(store.claim({ pipeline: 'chat', limit: 1, leaseMs: 1, perSession: 0 }), RangeError)
    },
  },
}
