import { Buffer } from 'node:buffer'
import { deepEqual, equal, ok } from 'node:assert/strict'
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
  written,
  type StoreCheck,
  type StoreChecks,
} from './store-check.ts'

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

/** What `encryptionKeys` promise. */
export const encryptionChecks: StoreChecks = {
  'without keys it is kept readable': {
    options: {},
    check: async (subject) => {
      await playSecrets(subject)
      deepEqual(found(await written(subject)), words)
    },
  },
  'with a key nothing that a caller said can be read in what is written': {
    options: { encryptionKeys: [firstKey] },
    check: async (subject) => {
      await playSecrets(subject)
      deepEqual(found(await written(subject)), [])
      ok((await written(subject)).length > 0, 'something must have been written')
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
        deepEqual(
          { submissionId, state, reason, request },
          { submissionId: 'a', state: 'due', reason: 'worker_failed', request: undefined },
        )
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
}
