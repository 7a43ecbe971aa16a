import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import type { DeadLetterFailure, DeadLetterStore, Lease } from '../../stores/dead-letter-store.ts'
import { claim, claimedOf, claimOnly, leaseOver, longMs, putAll, stored, type StoreChecks } from './store-check.ts'

const failure: DeadLetterFailure = { stage: 'post', kind: 'expired', reason: 'deadline' }

/** Nothing can be done with a lease, and nothing is. */
async function checkFenced(store: DeadLetterStore, lease: Lease): Promise<void> {
  const look = async (): Promise<object> => ({
    entry: await store.get(lease.submissionId),
    counts: await store.counts(),
  })
  const before = await look()
  const answers = {
    ack: await store.ack(lease),
    fail: await store.fail(lease, failure, { retryInMs: 0 }),
    defer: await store.defer(lease, { retryInMs: 0 }),
    extend: await store.extend(lease, { leaseMs: longMs }),
  }
  for (const [call, answer] of Object.entries(answers)) {
    equal(answer, 'fenced', `${call} must say fenced of a lease that has ended, said ${answer}`)
  }
  deepEqual(await look(), before)
}

export const leaseChecks: StoreChecks = {
  'ack forgets, and says so again to the same lease': {
    options: {},
    check: async (subject) => {
      const { store } = subject
      await putAll(subject, ['a'])
      const { lease } = await claimOnly(store)
      equal(await store.ack(lease), 'acked')
      equal(await store.ack(lease), 'acked')
      equal(await store.ack({ ...lease, token: `${lease.token}x` }), 'fenced')
      equal(await store.fail(lease, failure, { retryInMs: 0 }), 'fenced')
      equal(await store.get('a'), undefined)
      deepEqual(await claim(store), [])
      equal((await store.counts()).totals.acked, 1)
    },
  },
  'a lease that is over can do nothing, whether or not another has it': {
    options: {},
    check: async (subject) => {
      const { store } = subject
      await putAll(subject, ['a'])
      const over = await leaseOver(subject)
      await checkFenced(store, over)
      const { lease } = await claimOnly(store)
      await checkFenced(store, over)
      await checkFenced(store, { ...over, epoch: lease.epoch })
      await checkFenced(store, { ...lease, epoch: lease.epoch + 1 })
      equal(await store.ack(lease), 'acked')
    },
  },
  'a lease of an entry that is not there can do nothing': {
    options: {},
    check: async (subject) => {
      await putAll(subject, ['a'])
      const { lease } = await claimOnly(subject.store)
      await checkFenced(subject.store, { ...lease, submissionId: 'b' })
      await subject.store.purge(['a'])
      await checkFenced(subject.store, lease)
      await putAll(subject, ['a'])
      await checkFenced(subject.store, lease)
      const again = await claimOnly(subject.store)
      await checkFenced(subject.store, lease)
      equal(await subject.store.ack(again.lease), 'acked')
    },
  },
  'fail makes it due after retryInMs, as it failed now': {
    options: {},
    check: async (subject) => {
      const { store } = subject
      await putAll(subject, ['a', 'b'])
      const before = await stored(store, 'a')
      const claimed = await claim(store)
      const start = subject.now()
      const told: DeadLetterFailure = { stage: 'rag', kind: 'failed', reason: 'stage_failed', error: 'no words' }
      equal(await store.fail(claimedOf(claimed, 'a').lease, told, { retryInMs: longMs }), 'due')
      const failed = await stored(store, 'a')
      const { stateAt, lastSeenAt } = failed
      deepEqual(failed, { ...before, ...told, state: 'due', stateAt, lastSeenAt, attempts: 1, epoch: 1 })
      ok(lastSeenAt >= start && lastSeenAt <= subject.now(), `it was last seen now, not at ${lastSeenAt}`)
      ok(stateAt >= start + longMs && stateAt <= subject.now() + longMs, `it must be due in a minute: ${stateAt}`)
      equal(await store.fail(claimedOf(claimed, 'b').lease, failure, { retryInMs: 5 }), 'due')
      await subject.advance(10)
      const { letter } = await claimOnly(store)
      const { submissionId, attempts, epoch, stage, kind, reason, error } = letter
      deepEqual({ submissionId, attempts, epoch }, { submissionId: 'b', attempts: 2, epoch: 2 })
      deepEqual({ stage, kind, reason, error }, { ...failure, error: undefined })
    },
  },
  'fail makes it dead after maxAttempts, or when it is final': {
    options: { maxAttempts: 2 },
    check: async (subject) => {
      const { store } = subject
      await putAll(subject, ['a'])
      equal(await store.fail((await claimOnly(store)).lease, failure, { retryInMs: 0 }), 'due')
      await subject.advance(2)
      const start = subject.now()
      equal(await store.fail((await claimOnly(store)).lease, failure, { retryInMs: 0 }), 'dead')
      const { state, stateAt, attempts } = await stored(store, 'a')
      deepEqual({ state, attempts }, { state: 'dead', attempts: 2 })
      ok(stateAt >= start && stateAt <= subject.now(), `it died now, not at ${stateAt}`)
      await putAll(subject, ['b'])
      equal(await store.fail((await claimOnly(store)).lease, failure, { retryInMs: 0, final: true }), 'dead')
      deepEqual(await claim(store), [])
      const { dead, totals } = await store.counts()
      deepEqual({ dead, died: totals.died }, { dead: 2, died: 2 })
    },
  },
  'what was failed or deferred is leased no more': {
    options: {},
    check: async (subject) => {
      const { store } = subject
      await putAll(subject, ['a', 'b', 'c'])
      const claimed = await claim(store)
      await store.fail(claimedOf(claimed, 'a').lease, failure, { retryInMs: longMs })
      await store.defer(claimedOf(claimed, 'b').lease, { retryInMs: longMs })
      await store.fail(claimedOf(claimed, 'c').lease, failure, { retryInMs: 0, final: true })
      for (const { lease } of claimed) await checkFenced(store, lease)
    },
  },
  'defer makes it due after retryInMs, and no attempt was made': {
    options: { maxAttempts: 1 },
    check: async (subject) => {
      const { store } = subject
      await putAll(subject, ['a'])
      const before = await stored(store, 'a')
      for (const epoch of [1, 2, 3]) {
        const { letter, lease } = await claimOnly(store)
        deepEqual({ attempts: letter.attempts, epoch: letter.epoch }, { attempts: 1, epoch })
        equal(await store.defer(lease, { retryInMs: epoch === 3 ? longMs : 5 }), 'due')
        await subject.advance(10)
      }
      const { stateAt, ...rest } = await stored(store, 'a')
      ok(stateAt > subject.now(), `it must be due later than ${stateAt}`)
      deepEqual({ ...rest, stateAt: 0 }, { ...before, stateAt: 0, epoch: 3 })
      deepEqual(await claim(store), [])
    },
  },
  'extend makes the lease end later, or sooner': {
    options: {},
    check: async (subject) => {
      const { store } = subject
      await putAll(subject, ['a'])
      const { letter, lease } = await claimOnly(store)
      equal(await store.extend(lease, { leaseMs: 2 * longMs }), 'extended')
      ok((await stored(store, 'a')).stateAt >= letter.stateAt + longMs, 'the lease must end a minute later')
      equal(await store.extend(lease, { leaseMs: 5 }), 'extended')
      await subject.advance(10)
      await checkFenced(store, lease)
      equal((await claimOnly(store)).lease.epoch, 2)
    },
  },
  'fail, defer and extend refuse a bad number by its name': {
    options: {},
    check: async (subject) => {
      const { store } = subject
      await putAll(subject, ['a'])
      const { lease } = await claimOnly(store)
      await rejects(store.fail(lease, failure, { retryInMs: -1 }), RangeError)
      await rejects(store.defer(lease, { retryInMs: NaN }), RangeError)
      await rejects(store.extend(lease, { leaseMs: 0 }), RangeError)
      equal(await store.ack(lease), 'acked')
    },
  },
}
