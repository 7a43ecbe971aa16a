import { Buffer } from 'node:buffer'
import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import type { SessionStore } from '../../stores/session-store.ts'
import { type SessionChecks, stored, withOther } from './session-check.ts'

const strangeIds = [
  '',
  '*',
  '>',
  '.',
  '}',
  '{a}',
  '\u0000',
  'a\u0000b',
  ' ',
  'a ',
  '😀',
  'é',
  'e\u0301',
  '\ud800',
  '\udc00',
  '%_',
  "'; DROP TABLE sessions; --",
  '__proto__',
  '../..',
  'a:b\r\n',
] as const

/** Ten million characters. */
const longId = 'long '.repeat(2_000_000)

const plainStates: readonly unknown[] = [
  null,
  false,
  0,
  -1.5e-7,
  1e21,
  9_007_199_254_740_991,
  '',
  '\u0000 \ud800 😀 "\\',
  [],
  {},
  [[], {}, [null]],
  { '': { a: [1, { b: 'c' }] } },
  JSON.parse('{"__proto__": {"a": 1}, "constructor": 2}'),
  Object.assign(Object.create(null), { a: 1 }),
]

class Point {
  readonly x = 1
}

function cyclic(): unknown {
  const state: { self?: unknown } = {}
  state.self = state
  return state
}

/** What JSON would not give back as it was. */
const otherStates: readonly unknown[] = [
  undefined,
  NaN,
  Infinity,
  1n,
  Symbol('a'),
  () => 1,
  new Date(0),
  new Map([['a', 1]]),
  new Uint8Array(2),
  new Point(),
  { a: [{ b: new Date(0) }] },
  [undefined],
  cyclic(),
]

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

/** A text that is so many bytes in JSON, quotes included. */
function textOf(bytes: number): string {
  return 'x'.repeat(bytes - 2)
}

async function isTooLarge(store: SessionStore, state: unknown, bytes: number, limit: number): Promise<void> {
  await rejects(store.update('a', 1, state), (error: Error & { readonly code?: string }) => {
    equal(error.code, 'unstorable')
    for (const part of [`${bytes} bytes`, `${limit}`, 'maxBytes']) {
      ok(error.message.includes(part), `the message must name ${part}, is: ${error.message}`)
    }
    return true
  })
}

export const stateChecks: SessionChecks = {
  'gives back whatever plain JSON it was given': {
    options: {},
    check: async ({ store }) => {
      for (const [at, state] of plainStates.entries()) {
        equal(await store.update(`${at}`, 0, state), 'ok')
        deepEqual((await stored(store, `${at}`)).state, JSON.parse(JSON.stringify(state)))
      }
      await store.update('a', 0, { kept: 1, leftOut: undefined })
      deepEqual((await stored(store, 'a')).state, { kept: 1 })
    },
  },
  'refuses what is no plain JSON, and keeps what was there': {
    options: {},
    check: async ({ store }) => {
      await store.update('a', 0, 'x')
      for (const state of otherStates) {
        await rejects(store.update('a', 1, state), { code: 'unstorable', message: /^state/ })
        await rejects(store.update('b', 0, state), { code: 'unstorable' })
      }
      await rejects(store.update('a', 1, { a: [{ b: new Date(0) }] }), /state\.a\[0\]\.b/)
      deepEqual([(await stored(store, 'a')).version, (await stored(store, 'a')).state], [1, 'x'])
      equal(await store.get('b'), undefined)
    },
  },
  'keeps what it was given, whatever becomes of the object': {
    options: {},
    check: async ({ store }) => {
      const state = { list: [1] }
      await store.update('a', 0, state)
      state.list.push(2)
      const session = await stored(store, 'a')
      deepEqual(session.state, { list: [1] })
      const copy = session.state as { readonly list: number[] }
      copy.list.push(3)
      deepEqual((await stored(store, 'a')).state, { list: [1] })
    },
  },
  'takes a state of maxBytes and none that is larger': {
    options: { maxBytes: 100 },
    check: async ({ store }) => {
      equal(await store.update('a', 0, textOf(100)), 'ok')
      await isTooLarge(store, textOf(101), 101, 100)
      // Two bytes each in UTF-8.
      await isTooLarge(store, 'é'.repeat(50), 102, 100)
      deepEqual([(await stored(store, 'a')).version, (await stored(store, 'a')).state], [1, textOf(100)])
      equal(await store.update('a', 1, 'é'.repeat(49)), 'ok')
    },
  },
  'takes 65,536 bytes where nothing is said, encrypted or not': {
    options: {},
    check: async (subject) => {
      equal(await subject.store.update('a', 0, textOf(65_536)), 'ok')
      await isTooLarge(subject.store, textOf(65_537), 65_537, 65_536)
      await withOther(subject, { encryptionKeys: [firstKey] }, async (other) => {
        equal(await other.update('a', 1, textOf(65_536)), 'ok')
      })
    },
  },
  'takes whatever text for an id, each for itself': {
    options: {},
    check: async ({ store }) => {
      await Promise.all(strangeIds.map(async (id) => equal(await store.update(id, 0, { id }), 'ok')))
      for (const id of strangeIds) {
        deepEqual((await stored(store, id)).state, { id })
        equal(await store.touch(id), true)
      }
      for (const id of strangeIds) {
        equal(await store.delete(id), true)
        equal(await store.get(id), undefined)
      }
    },
  },
  'takes an id of 10 MB': {
    options: {},
    check: async ({ store }) => {
      equal(await store.update(longId, 0, 'x'), 'ok')
      equal(await store.update(`${longId}.`, 0, 'y'), 'ok')
      equal((await stored(store, longId)).state, 'x')
      equal(await store.delete(longId), true)
      equal((await stored(store, `${longId}.`)).state, 'y')
    },
  },
  'without keys the state is kept readable, the id is not': {
    options: {},
    check: async (subject) => {
      const { store } = subject
      await store.update(secretId, 0, secretState)
      deepEqual(found(await subject.written()), ['secret-field', 'secret-text'])
    },
  },
  'with a key nothing that a caller said can be read in what is written': {
    options: { encryptionKeys: [firstKey] },
    check: async (subject) => {
      const { store } = subject
      await store.update(secretId, 0, secretState)
      await store.update(secretId, 1, secretState)
      deepEqual((await stored(store, secretId)).state, secretState)
      deepEqual(found(await subject.written()), [])
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
          await rejects(other.get('a'), { code: 'store_failed', message: /cannot be read.*key/ })
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
