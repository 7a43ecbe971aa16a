import { Buffer } from 'node:buffer'
import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { type SessionChecks, stored, withOther, written } from './session-check.ts'
import { textOf } from './state-checks.ts'

const firstKey = new Uint8Array(32).fill(1)
const secondKey = new Uint8Array(32).fill(2)

const secretId = 'secret-id-41'
const secretState = { 'secret-field': ['secret-text-42', 'secret-text-43 é'] }

/** Which of the secrets stand in it. */
function found(written: Uint8Array): readonly string[] {
  const bytes = Buffer.from(written.buffer, written.byteOffset, written.byteLength)
  ok(bytes.length > 0, 'something must have been written')
  return ['secret-id', 'secret-field', 'secret-text'].filter((word) => {
    const base64 = Buffer.from(word).toString('base64').slice(0, 10)
    return [word, base64, Buffer.from(word, 'utf16le')].some((text) => bytes.includes(text))
  })
}

/** What `encryptionKeys` promise. */
export const encryptionChecks: SessionChecks = {
  'takes 65,536 bytes where nothing is said, encrypted, too': {
    options: { encryptionKeys: [firstKey] },
    check: async ({ store }) => {
      equal(await store.update('a', 0, textOf(65_536)), 'ok')
      await rejects(store.update('a', 1, textOf(65_537)), { code: 'unstorable' })
    },
  },
  'without keys the state is kept readable, the id is not': {
    options: {},
    check: async (subject) => {
      const { store } = subject
      await store.update(secretId, 0, secretState)
      deepEqual(found(await written(subject)), ['secret-field', 'secret-text'])
    },
  },
  'with a key nothing that a caller said can be read in what is written': {
    options: { encryptionKeys: [firstKey] },
    check: async (subject) => {
      const { store } = subject
      await store.update(secretId, 0, secretState)
      await store.update(secretId, 1, secretState)
      deepEqual((await stored(store, secretId)).state, secretState)
      deepEqual(found(await written(subject)), [])
    },
  },
  'with a second key it reads what the first one wrote, and goes on from there': {
    options: { encryptionKeys: [firstKey] },
    check: async (subject) => {
      await subject.store.update('a', 0, secretState)
      await withOther(subject, { encryptionKeys: [secondKey, firstKey] }, async (rotated) => {
        deepEqual(await stored(rotated, 'a'), await stored(subject.store, 'a'))
        equal(await rotated.update('a', 1, 'y'), 'ok')
      })
      await withOther(subject, { encryptionKeys: [secondKey] }, async (later) => {
        equal((await stored(later, 'a')).state, 'y')
      })
    },
  },
  'without the key of a session it says so, and can still delete it': {
    options: { encryptionKeys: [firstKey] },
    check: async (subject) => {
      await subject.store.update('a', 0, secretState)
      for (const encryptionKeys of [[secondKey], []]) {
        await withOther(subject, { encryptionKeys }, async (other) => {
          await rejects(other.get('a'), { code: 'store_failed' })
          equal(await other.update('a', 0, 'mine'), 'conflict')
        })
      }
      deepEqual((await stored(subject.store, 'a')).state, secretState)
      await withOther(subject, { encryptionKeys: [secondKey] }, async (other) => {
        equal(await other.delete('a'), true)
      })
      equal(await subject.store.get('a'), undefined)
    },
  },
}
