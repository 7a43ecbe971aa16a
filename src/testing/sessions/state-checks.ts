import { deepEqual, equal, rejects } from 'node:assert/strict'
import { type SessionChecks, stored } from './session-check.ts'

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

/** A text that is so many bytes in JSON, quotes included. */
export function textOf(bytes: number): string {
  return 'x'.repeat(bytes - 2)
}

const unstorable = { code: 'unstorable' }

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
        await rejects(store.update('a', 1, state), unstorable)
        await rejects(store.update('b', 0, state), unstorable)
      }
      const { version, state } = await stored(store, 'a')
      deepEqual({ version, state }, { version: 1, state: 'x' })
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
      await rejects(store.update('a', 1, textOf(101)), unstorable)
      // Two bytes each in UTF-8.
      await rejects(store.update('a', 1, 'é'.repeat(50)), unstorable)
      const { version, state } = await stored(store, 'a')
      deepEqual({ version, state }, { version: 1, state: textOf(100) })
      equal(await store.update('a', 1, 'é'.repeat(49)), 'ok')
    },
  },
  'takes 65,536 bytes where nothing is said': {
    options: {},
    check: async ({ store }) => {
      equal(await store.update('a', 0, textOf(65_536)), 'ok')
      await rejects(store.update('a', 1, textOf(65_537)), unstorable)
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
}
