import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createSqliteRedriveAnswers, type RedriveAnswers } from '../../../src/stores/sqlite-redrive-answers.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'

test('an answer is there until its time is over, the latest of a submission', async () => {
  const clock = new VirtualClock({ startAt: 1_000 })
  const answers = createSqliteRedriveAnswers({ file: ':memory:', maxAgeMs: 100, clock })
  answers.keep('a', { text: 'one' })
  await clock.advance(50)
  answers.keep('b', { text: 'b' })
  answers.keep('a', { text: 'two' })
  expect(answers.get('a')).toEqual({ at: 1_050, answer: { text: 'two' } })
  await clock.advance(99)
  expect(answers.get('b')).toBeDefined()
  await clock.advance(1)
  expect([answers.get('a'), answers.get('b')]).toEqual([undefined, undefined])
  answers.close()
})

test('all together take no more than they may, and the newest are kept', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 240 }), { minLength: 1, maxLength: 20 }), (sizes) => {
      const clock = new VirtualClock()
      const answers = createSqliteRedriveAnswers({ file: ':memory:', maxBytes: 200, clock })
      for (const [at, size] of sizes.entries()) {
        answers.keep(String(at), 'x'.repeat(size))
        clock.sleep(1)
      }
      // A byte for the kind, and two for the quotes.
      let room = 200
      let isKept = true
      for (const [at, size] of [...sizes.entries()].reverse()) {
        const bytes = size + 3
        if (bytes <= 200) room -= bytes
        isKept &&= room >= 0
        expect([at, answers.get(String(at)) !== undefined]).toEqual([at, isKept && bytes <= 200])
      }
      answers.close()
    }),
    { numRuns: 30 },
  )
})

test('one that is too large by itself is not kept, and the others are', () => {
  const answers = createSqliteRedriveAnswers({ file: ':memory:', maxBytes: 100 })
  answers.keep('a', 'x')
  answers.keep('b', 'x'.repeat(200))
  answers.keep('c', 'x')
  expect(['a', 'b', 'c'].map((id) => answers.get(id)?.answer)).toEqual(['x', undefined, 'x'])
  answers.close()
})

test('what another process keeps counts, too', () => {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-answers-'))
  const clock = new VirtualClock()
  const [one, other] = ['one', 'other'].map(() =>
    createSqliteRedriveAnswers({ file: join(folder, 'answers.db'), maxBytes: 100, clock }),
  ) as [RedriveAnswers, RedriveAnswers]
  for (const [at, answers] of [one, other, one, other, other, one].entries()) {
    answers.keep(String(at), 'x'.repeat(37))
    clock.sleep(1)
  }
  expect([0, 1, 2, 3, 4, 5].map((at) => one.get(String(at)) !== undefined)).toEqual([
    ...[false, false, false, false],
    ...[true, true],
  ])
  one.close()
  other.close()
  rmSync(folder, { recursive: true })
})

test('with a key they cannot be read in the file, and with another not at all', () => {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-answers-'))
  const file = join(folder, 'answers.db')
  const answers = createSqliteRedriveAnswers({ file, encryptionKeys: [new Uint8Array(32).fill(1)] })
  answers.keep('a', { text: 'a secret answer' })
  answers.close()
  expect(readFileSync(file).includes('secret')).toBe(false)
  const other = createSqliteRedriveAnswers({ file, encryptionKeys: [new Uint8Array(32).fill(2)] })
  expect(() => other.get('a')).toThrow('which is not given')
  other.close()
  rmSync(folder, { recursive: true })
})

test.each([
  [{ file: '' }, 'file must not be empty'],
  [{ file: ':memory:', maxAgeMs: 0 }, 'maxAgeMs must be a whole number from 1'],
  [{ file: ':memory:', max: 0 }, 'createSqliteRedriveAnswers: unknown option "max"'],
])('%j is refused', (options, message) => {
  expect(() => createSqliteRedriveAnswers(options)).toThrow(message)
})
