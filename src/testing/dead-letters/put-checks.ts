import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import type { DeadLetter } from '../../stores/dead-letter-store.ts'
import { claim, claimedOf, claimOnly, letterOf, longMs, putAll, stored, type StoreChecks } from './store-check.ts'

/** JSON with all that is easily lost on the way. */
const request = {
  messages: [{ role: 'user', content: 'line\nline\u0000\u2028"\\ 😀 \ud800' }],
  none: null,
  empty: { list: [], object: {}, text: '' },
  numbers: [0, -1, 0.1, 1e21, 9_007_199_254_740_991, 1.7976931348623157e308],
  deep: [[[[{ a: [true, false] }]]]],
}

const notJson: readonly unknown[] = [
  undefined,
  NaN,
  1n,
  new Date(0),
  new Map(),
  { at: [new Date(0)] },
  cycle(),
  () => 1,
]

function cycle(): unknown {
  const circle: Record<string, unknown> = {}
  circle['self'] = circle
  return circle
}

export const putChecks: StoreChecks = {
  'put keeps an entry whole, due at once': {
    options: {},
    check: async (subject) => {
      const { store } = subject
      const letters: readonly DeadLetter[] = [
        letterOf(subject, 'a', { request, session: 'session of a' }),
        { ...bare(letterOf(subject, 'b')), kind: 'shed', reason: 'full', request: 'text' },
        letterOf(subject, 'c', { request: null, kind: 'expired', firstSeenAt: subject.now() - 1_000.5 }),
      ]
      for (const letter of letters) {
        const before = subject.now()
        equal(await store.put(letter), 'stored')
        const { stateAt, ...rest } = await stored(store, letter.submissionId)
        deepEqual(rest, { ...letter, state: 'due', attempts: 0, epoch: 0, replays: 0 })
        ok(stateAt >= before && stateAt <= subject.now(), `stateAt must be the time of the put, is ${stateAt}`)
      }
      equal(await store.get('d'), undefined)
    },
  },
  'put says duplicate of the same entry, and conflict of another one of that id, in every state': {
    options: {},
    check: async (subject) => {
      const { store } = subject
      const letter = letterOf(subject, 'a')
      const other = letterOf(subject, 'a', { request: 'another one' })
      const again = async (): Promise<void> => {
        const before = await stored(store, 'a')
        equal(await store.put(letter), 'duplicate')
        equal(await store.put(letter, { dead: true }), 'duplicate')
        equal(await store.put(other), 'conflict')
        deepEqual(await stored(store, 'a'), before)
      }
      equal(await store.put(letter), 'stored')
      await again()
      const { lease } = await claimOnly(store)
      await again()
      await store.fail(lease, letter, { retryInMs: 0, final: true })
      await again()
      const { totals } = await store.counts()
      deepEqual({ stored: totals.stored, rejected: totals.rejected }, { stored: 1, rejected: 0 })
    },
  },
  'put says duplicate of what was acked, also when the store is opened again, and stores what was purged': {
    options: {},
    check: async (subject) => {
      const { store } = subject
      const [a, b] = [letterOf(subject, 'a'), letterOf(subject, 'b')]
      await store.put(a)
      const { lease } = await claimOnly(store)
      equal(await store.ack(lease), 'acked')
      equal(await store.put(a), 'duplicate')
      equal(await store.put({ ...a, request: 'another one' }), 'conflict')
      const again = await subject.reopen({})
      equal(await again.put(a), 'duplicate')
      await again.close()
      equal(await store.get('a'), undefined)
      await store.put(b)
      deepEqual(await store.purge(['b']), ['purged'])
      equal(await store.put(b), 'stored')
      const { stored: ever, acked, purged } = (await store.counts()).totals
      deepEqual({ ever, acked, purged }, { ever: 3, acked: 1, purged: 1 })
    },
  },
  'put forgets what was acked doneWindowMs ago': {
    options: { doneWindowMs: 20 },
    check: async (subject) => {
      const { store } = subject
      const letter = letterOf(subject, 'a')
      await store.put(letter)
      const { lease } = await claimOnly(store)
      await store.ack(lease)
      await subject.advance(30)
      equal(await store.ack(lease), 'fenced', 'a repeated ack must say fenced once doneWindowMs has passed')
      equal(await store.put(letter), 'stored')
      equal(await store.ack(lease), 'fenced')
    },
  },
  'put remembers maxDone of what was acked, the last': {
    options: { maxDone: 2 },
    check: async (subject) => {
      const { store } = subject
      const letters = ['a', 'b', 'c'].map((id) => letterOf(subject, id))
      for (const letter of letters) {
        await store.put(letter)
        await store.ack((await claimOnly(store)).lease)
        await subject.advance(2)
      }
      const results = []
      for (const letter of letters.toReversed()) results.push(await store.put(letter))
      deepEqual(results, ['duplicate', 'duplicate', 'stored'])
    },
  },
  'put remembers nothing of what was acked with maxDone 0': {
    options: { maxDone: 0 },
    check: async (subject) => {
      const { store } = subject
      const letter = letterOf(subject, 'a')
      await store.put(letter)
      const { lease } = await claimOnly(store)
      equal(await store.ack(lease), 'acked')
      equal(await store.ack(lease), 'fenced')
      equal(await store.put(letter), 'stored')
    },
  },
  'put keeps as dead what is brought as dead': {
    options: {},
    check: async (subject) => {
      const { store } = subject
      equal(await store.put(letterOf(subject, 'a'), { dead: true }), 'stored')
      const { state, attempts, epoch } = await stored(store, 'a')
      deepEqual({ state, attempts, epoch }, { state: 'dead', attempts: 0, epoch: 0 })
      deepEqual(await claim(store), [])
      deepEqual(await store.replay(['a']), ['replayed'])
      await claimOnly(store)
      const { dead, leased, totals } = await store.counts()
      deepEqual({ dead, leased }, { dead: 0, leased: 1 })
      equal(totals.died, 0, `what was put with dead: true must not count as died, of which there are ${totals.died}`)
    },
  },
  'put says full beyond maxEntries, whatever their states, and of nothing that is there': {
    options: { maxEntries: 3 },
    check: async (subject) => {
      const { store } = subject
      await putAll(subject, ['a'])
      const { lease } = await claimOnly(store)
      await putAll(subject, ['b'], { dead: true })
      await putAll(subject, ['c'])
      const late = letterOf(subject, 'd')
      equal(await store.put(late), 'full')
      equal(await store.put(late, { dead: true }), 'full')
      equal(await store.put({ ...late, submissionId: 'c' }), 'conflict')
      equal((await store.counts()).totals.rejected, 2)
      await store.ack(lease)
      equal(await store.put(late), 'stored')
      equal(await store.put(late), 'duplicate')
      equal(await store.put(letterOf(subject, 'e')), 'full')
    },
  },
  'put says full beyond maxBytes, to the byte': {
    options: {},
    check: async (subject) => {
      await putAll(subject, ['a'])
      const { bytes } = await subject.store.counts()
      const least = await subject.reopen({ maxBytes: 2 * bytes - 1 })
      equal(await least.put(letterOf(subject, 'b')), 'full')
      await least.close()
      const most = await subject.reopen({ maxBytes: 2 * bytes })
      equal(await most.put(letterOf(subject, 'b')), 'stored')
      equal(await most.put(letterOf(subject, 'c')), 'full')
      await most.purge(['a'])
      equal((await most.counts()).bytes, bytes)
      equal(await most.put(letterOf(subject, 'c')), 'stored')
      equal((await most.counts()).bytes, 2 * bytes)
      await most.purge(['b', 'c'])
      equal((await most.counts()).bytes, 0)
      await most.close()
    },
  },
  'put refuses what JSON cannot hold, and what is larger than maxEntryBytes, and keeps nothing of it': {
    options: { maxEntryBytes: 1_000 },
    check: async (subject) => {
      const { store } = subject
      const unstorable = { code: 'unstorable' }
      for (const bad of notJson) await rejects(store.put(letterOf(subject, 'a', { request: bad })), unstorable)
      await rejects(store.put(letterOf(subject, 'a', { request: 'x'.repeat(1_000) })), unstorable)
      await rejects(store.put(letterOf(subject, 'a', { session: 'x'.repeat(1_000) })), unstorable)
      equal(await store.get('a'), undefined)
      await putAll(subject, ['a'])
      const { totals } = await store.counts()
      deepEqual({ stored: totals.stored, rejected: totals.rejected }, { stored: 1, rejected: 0 })
    },
  },
  'put stores once what comes many times at once': {
    options: {},
    check: async (subject) => {
      const other = await subject.reopen({})
      const letter = letterOf(subject, 'a')
      const puts = Array.from({ length: 20 }, (_, at) => (at % 2 === 0 ? subject.store : other).put(letter))
      const results = await Promise.all(puts)
      deepEqual(results.toSorted(), [...Array.from({ length: 19 }, () => 'duplicate'), 'stored'])
      await other.close()
    },
  },
  'put keeps maxEntries when many come at once': {
    options: { maxEntries: 7 },
    check: async (subject) => {
      const other = await subject.reopen({ maxEntries: 7 })
      const puts = Array.from({ length: 20 }, (_, at) =>
        (at % 2 === 0 ? subject.store : other).put(letterOf(subject, `${at}`)),
      )
      const results = await Promise.all(puts)
      equal(results.filter((result) => result === 'stored').length, 7)
      equal(results.filter((result) => result === 'full').length, 13)
      await other.close()
    },
  },
  'what was acknowledged is there when the store is opened again, its leases too': {
    options: {},
    check: async (subject) => {
      await putAll(subject, ['a', 'b', 'c'])
      const claimed = await claim(subject.store, 2)
      await subject.store.fail(claimedOf(claimed, 'b').lease, letterOf(subject, 'b'), {
        retryInMs: longMs,
        final: true,
      })
      const before = await subject.store.counts()
      await subject.store.close()
      const again = await subject.reopen({})
      deepEqual(await again.counts(), before)
      equal(await again.ack(claimedOf(claimed, 'a').lease), 'acked')
      deepEqual(
        (await claim(again)).map(({ letter }) => letter.submissionId),
        ['c'],
      )
      await again.close()
    },
  },
}

/** Without what only failed requests have. */
function bare({ error: _, ...letter }: DeadLetter): DeadLetter {
  return letter
}
