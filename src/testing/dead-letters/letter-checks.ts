import { Buffer } from 'node:buffer'
import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import {
  claim,
  claimedOf,
  claimOnly,
  idsOf,
  letterOf,
  listAll,
  longMs,
  putAll,
  stored,
  type StoreCheck,
  type StoreChecks,
} from './store-check.ts'

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

const firstKey = new Uint8Array(32).fill(1)
const secondKey = new Uint8Array(32).fill(2)

/** What must not be found in what the store has written. */
const secrets = {
  id: 'secret-id-41',
  session: 'secret-session-42',
  error: 'secret-error-43',
  request: { input: 'secret-prompt-44' },
}
const words = ['secret-id', 'secret-session', 'secret-error', 'secret-prompt', 'secret-failure']

/** Which of the secrets stand in it. */
function found(written: Uint8Array): readonly string[] {
  const bytes = Buffer.from(written.buffer, written.byteOffset, written.byteLength)
  return words.filter((word) => bytes.includes(word) || bytes.includes(Buffer.from(word, 'utf16le')))
}

const playSecrets: StoreCheck['check'] = async (subject) => {
  const { store } = subject
  await putAll(subject, ['a', 'b'], { changes: secrets })
  const { letter, lease } = claimedOf(await claim(store), 'a')
  await store.fail(lease, { ...letter, error: 'secret-failure-45' }, { retryInMs: longMs })
  deepEqual(
    (await listAll(store, { session: secrets.session })).map(({ error }) => error),
    ['secret-failure-45', secrets.error],
  )
}

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
        deepEqual([letter.submissionId, letter.id, letter.session, letter.request], [id, id, id, id])
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
  'without keys it is kept readable': {
    options: {},
    check: async (subject) => {
      await playSecrets(subject)
      deepEqual(found(await subject.written()), words)
    },
  },
  'with a key nothing that a caller said can be read in what is written': {
    options: { encryptionKeys: [firstKey] },
    check: async (subject) => {
      await playSecrets(subject)
      deepEqual(found(await subject.written()), [])
      ok((await subject.written()).length > 0, 'something must have been written')
    },
  },
  'with a second key it reads what the first one wrote': {
    options: { encryptionKeys: [firstKey] },
    check: async (subject) => {
      await putAll(subject, ['a'], { changes: secrets })
      const before = await stored(subject.store, 'a')
      const rotated = await subject.reopen({ encryptionKeys: [secondKey, firstKey] })
      deepEqual(await stored(rotated, 'a'), before)
      await rotated.put(letterOf(subject, 'b', secrets))
      await rotated.close()
      const { unreadable, id, session, error, request } = await stored(subject.store, 'b')
      equal(typeof unreadable, 'string')
      equal(request, undefined)
      for (const text of [id, session, error]) ok(text === undefined || !text.includes('secret'), text)
    },
  },
  'after another key came first it knows what was put before, and whose that is': {
    options: {},
    check: async (subject) => {
      await putAll(subject, ['plain'], { changes: secrets })
      const before = ['plain']
      for (const encryptionKeys of [[firstKey], [secondKey, firstKey]]) {
        const rotated = await subject.reopen({ encryptionKeys })
        for (const id of before) {
          equal(await rotated.put(letterOf(subject, id, secrets)), 'duplicate', id)
          equal(await rotated.put(letterOf(subject, id, { ...secrets, id: 'another' })), 'conflict', id)
        }
        before.push(`by key ${before.length}`)
        equal(await rotated.put(letterOf(subject, before.at(-1) ?? '', secrets)), 'stored')
        const listed = await listAll(rotated, { session: secrets.session })
        deepEqual(new Set(listed.map(({ submissionId }) => submissionId)), new Set(before))
        deepEqual(await listAll(rotated, { session: 'another' }), [])
        await rotated.close()
      }
    },
  },
  'claim counts the entries of a session together, whichever key came first when they were put': {
    options: {},
    check: async (subject) => {
      const session = { session: 'one' }
      await putAll(subject, ['plain'], { changes: session })
      for (const encryptionKeys of [[firstKey], [secondKey, firstKey]]) {
        const rotated = await subject.reopen({ encryptionKeys })
        await rotated.put(letterOf(subject, `by ${encryptionKeys.length}`, session))
        await rotated.close()
        await subject.advance(2)
      }
      await putAll(subject, ['behind'], { changes: { session: 'two' } })
      const later = await subject.reopen({ encryptionKeys: [secondKey, firstKey] })
      const limits = { pipeline: 'chat', limit: 2, leaseMs: longMs, perSession: 1 }
      const first = await later.claim(limits)
      deepEqual(idsOf(first), ['plain', 'behind'])
      deepEqual(await later.claim(limits), [])
      const { attempts, state } = await stored(later, 'by 1')
      deepEqual({ attempts, state }, { attempts: 0, state: 'due' })
      const earlier = await subject.reopen({ encryptionKeys: [firstKey, secondKey] })
      deepEqual(await earlier.claim(limits), [])
      deepEqual(idsOf(await earlier.claim({ ...limits, perSession: 2 })), ['by 1'])
      await earlier.close()
      equal(await later.ack(claimedOf(first, 'plain').lease), 'acked')
      deepEqual(await later.claim(limits), [])
      deepEqual(idsOf(await later.claim({ ...limits, perSession: 2 })), ['by 2'])
      await later.close()
    },
  },
  'without its key an entry is unreadable, and dead once it was claimed': {
    options: { encryptionKeys: [firstKey] },
    check: async (subject) => {
      await putAll(subject, ['a'], { changes: secrets })
      for (const encryptionKeys of [[secondKey], []]) {
        const other = await subject.reopen({ encryptionKeys })
        const [listed, ...more] = await listAll(other)
        equal(more.length, 0)
        ok(listed?.unreadable, 'it must be listed, and say why it cannot be read')
        const { submissionId, state, reason, request } = listed
        deepEqual([submissionId, state, reason, request], ['a', 'due', 'worker_failed', undefined])
        deepEqual(await claim(other), [])
        equal((await stored(other, 'a')).state, 'dead')
        deepEqual(await other.replay(['a']), ['replayed'])
        await other.close()
      }
      const { letter } = await claimOnly(subject.store)
      const { request, id, session, error, replays } = letter
      deepEqual({ request, id, session, error }, secrets)
      equal(replays, 2)
      equal((await subject.store.counts()).totals.died, 2)
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
