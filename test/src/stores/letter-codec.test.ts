import { expect, test } from 'vitest'
import { LetterCodec } from '../../../src/stores/letter-codec.ts'
import { UnstorableError } from '../../../src/stores/store-error.ts'
import type { DeadLetter } from '../../../src/stores/index.ts'

const letter: DeadLetter = {
  submissionId: 'abc-1',
  id: '1',
  pipeline: 'chat',
  stage: 'inference',
  kind: 'failed',
  reason: 'stage_failed',
  error: 'the model is away',
  session: 'anna',
  request: { input: 'What is a weir?' },
  firstSeenAt: 1,
  lastSeenAt: 2,
}
const secret = new Uint8Array(32).fill(7)

test('a body is read again', () => {
  for (const keys of [[], [secret]]) {
    const codec = new LetterCodec(keys, 1_000)
    const { submissionId, id, session, request } = letter
    const { payload } = codec.encode(letter)
    expect(codec.decode(payload, codec.keyOf(submissionId))).toEqual({ submissionId, id, session, request })
  }
})

test('the digest is of what never changes, so that an entry is the same after it has failed again', () => {
  const codec = new LetterCodec([secret], 1_000)
  const { digest } = codec.encode(letter)
  expect(codec.encode({ ...letter, stage: 'post', reason: 'shed', error: 'other', lastSeenAt: 9 }).digest).toBe(digest)
  for (const other of [{ submissionId: 'abc-2' }, { id: '2' }, { session: 'bert' }, { request: { input: '?' } }]) {
    expect(codec.encode({ ...letter, ...other }).digest).not.toBe(digest)
  }
})

test('an entry read from one place cannot be passed off as another', () => {
  const codec = new LetterCodec([secret], 1_000)
  const { payload } = codec.encode(letter)
  expect(() => codec.decode(payload, codec.keyOf('abc-2'))).toThrow('it was changed after it was encrypted')
})

test('a request that takes more than an entry may is refused, with both figures', () => {
  const { payload } = new LetterCodec([], 1_000).encode(letter)
  expect(() => new LetterCodec([], payload.length).encode(letter)).not.toThrow()
  const tooSmall = new LetterCodec([], payload.length - 1)
  expect(() => tooSmall.encode(letter)).toThrow(UnstorableError)
  expect(() => tooSmall.encode(letter)).toThrow(
    `the request takes ${payload.length} bytes, more than the ${payload.length - 1} of one entry (maxEntryBytes)`,
  )
})

test('every id has a key of 43 harmless characters', () => {
  const codec = new LetterCodec([], 1_000)
  const ids = ['', '*', '>', '.', '}', '\0', '😀', '\ud800', '\ud801', 'x'.repeat(10_000_000)]
  const keys = ids.map((id) => codec.keyOf(id))
  for (const key of keys) expect(key).toMatch(/^[\w-]{43}$/)
  expect(new Set(keys).size).toBe(ids.length)
})

test("a session's key cannot be found out by trying names, where there is an encryption key", () => {
  const open = new LetterCodec([], 1_000)
  expect(open.sessionKeyOf('anna')).toBe(open.keyOf('anna'))
  expect(new LetterCodec([secret], 1_000).sessionKeyOf('anna')).not.toBe(open.keyOf('anna'))
})
