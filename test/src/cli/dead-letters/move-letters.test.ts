import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { exportLetters } from '../../../../src/cli/dead-letters/export-letters.ts'
import { importLetters } from '../../../../src/cli/dead-letters/import-letters.ts'
import { parseLetterLine } from '../../../../src/cli/dead-letters/letter-line.ts'
import { textLines } from '../../../../src/cli/dead-letters/text-lines.ts'
import { UnstorableError } from '../../../../src/stores/index.ts'
import {
  createSqliteDeadLetterStore,
  type SqliteDeadLetterStoreOptions,
} from '../../../../src/stores/sqlite-dead-letter-store.ts'
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts'
import { LetterShelf, letterOf } from '../../../fixtures/letter-shelf.ts'
import { deskOf } from './desk-of.ts'

/** Bytes as a file may give them: cut anywhere. */
async function* cutUp(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const linesOf = (...lines: readonly string[]): ReturnType<typeof textLines> =>
  textLines(cutUp(Buffer.from(`${lines.join('\n')}\n`), 7))

const entry = JSON.stringify(letterOf('s1'))

describe('what is exported', () => {
  it('can be imported: the same entries, dead ones dead', async () => {
    const letters = fc.uniqueArray(
      fc.record({
        submissionId: fc.string({ minLength: 1, unit: 'binary' }),
        id: fc.string({ unit: 'binary' }),
        request: fc.jsonValue(),
        dead: fc.boolean(),
      }),
      { selector: ({ submissionId }) => submissionId, maxLength: 7 },
    )
    await fc.assert(
      fc.asyncProperty(letters, fc.integer({ min: 1, max: 50 }), async (given, size) => {
        const shelf = new LetterShelf()
        for (const [at, { submissionId, dead, ...more }] of given.entries()) {
          shelf.add(letterOf(submissionId, { ...more, firstSeenAt: at }), {
            state: dead ? 'dead' : 'leased',
            stateAt: 1_500,
          })
        }
        const from = deskOf(shelf)
        expect(await exportLetters(from, {}, from.print)).toBe(0)
        const other = new LetterShelf()
        const to = deskOf(other, { json: true })
        const file = Buffer.from(from.data.map((line) => `${line}\n`).join(''))
        expect(await importLetters(to, 'f', textLines(cutUp(file, size)))).toBe(0)
        expect(JSON.parse(to.data[0]!)).toMatchObject({ stored: given.length, malformed: 0 })
        const expected = [...shelf.entries.values()].map(({ state, ...rest }) => ({
          ...rest,
          state: state === 'dead' ? 'dead' : 'due',
        }))
        expect(JSON.parse(JSON.stringify([...other.entries.values()]))).toEqual(JSON.parse(JSON.stringify(expected)))
      }),
      { numRuns: 50 },
    )
  })

  it('is all but what cannot be read, which is named', async () => {
    const shelf = new LetterShelf()
      .add(letterOf('s1'), { unreadable: 'another key' })
      .add(letterOf('s2', { firstSeenAt: 2_000 }))
    const desk = deskOf(shelf)
    expect(await exportLetters(desk, {}, desk.print)).toBe(1)
    expect(desk.data).toHaveLength(1)
    expect(desk.said).toEqual(['s1: left out, it cannot be read: another key', 'exported 1 dead letter, 1 left out'])
  })
})

describe('an import', () => {
  it('names the line of each entry that is wrong, and stores the others', async () => {
    const shelf = new LetterShelf()
    const desk = deskOf(shelf)
    const bad = [
      '{',
      '[]',
      '{"submissionId":"x"}',
      JSON.stringify({ ...letterOf('x'), kind: 'late' }),
      JSON.stringify({ ...letterOf('x'), request: undefined }),
    ]
    expect(await importLetters(desk, 'a.jsonl', linesOf(...bad, '', entry))).toBe(1)
    expect([...shelf.entries.keys()]).toEqual(['s1'])
    expect(desk.said).toEqual([
      'a.jsonl:1: it must be a JSON object in one line: what is wrong is at position 1',
      'a.jsonl:2: it must be a JSON object, got an array',
      'a.jsonl:3: id is required: a string',
      'a.jsonl:4: kind must be one of "shed", "failed", "expired", got "late"',
      'a.jsonl:5: request is required: what is to be run again',
    ])
    expect(desk.data).toEqual(['1 stored, 0 there before, 0 in conflict, 0 without room, 5 malformed'])
  })

  it('says what the store says, and is done only when all are there', async () => {
    const shelf = new LetterShelf().add(letterOf('s2', { request: { input: 'another' } }))
    const desk = deskOf(shelf)
    expect(await importLetters(desk, 'f', linesOf(entry, entry))).toBe(0)
    expect(desk.data).toEqual(['1 stored, 1 there before, 0 in conflict, 0 without room, 0 malformed'])
    expect(await importLetters(desk, 'f', linesOf(JSON.stringify(letterOf('s2'))))).toBe(1)
    shelf.put = async ({ submissionId }) => {
      if (submissionId === 'large') throw new UnstorableError('the request takes 9 bytes')
      return 'full'
    }
    expect(
      await importLetters(desk, 'f', linesOf(JSON.stringify(letterOf('large')), JSON.stringify(letterOf('s4')))),
    ).toBe(1)
    expect(desk.said).toEqual([
      'f:1: s2 was not stored: another entry of that id is there',
      'f:1: the request takes 9 bytes',
      'f:2: s4 was not stored: the store is full',
    ])
  })

  it('is not done when the store evicted or expired entries meanwhile, and says how many', async () => {
    const file = [3_000_000, 3_500_000, 3_600_000].map((firstSeenAt, at) =>
      JSON.stringify({ ...letterOf(`s${at}`, { firstSeenAt }), state: 'dead' }),
    )
    const bounded = async (options: Partial<SqliteDeadLetterStoreOptions>): Promise<ReturnType<typeof deskOf>> => {
      const clock = new VirtualClock({ startAt: 3_600_000 })
      const store = createSqliteDeadLetterStore({ file: ':memory:', clock, ...options })
      onTestFinished(() => store.close())
      const desk = deskOf(store, { json: true })
      await store.put(letterOf('old', { firstSeenAt: 3_600_000 }), { dead: true })
      expect(await importLetters(desk, 'f', linesOf(...file))).toBe(1)
      return desk
    }
    const crowded = await bounded({ maxDead: 2 })
    expect(crowded.said).toEqual(['2 dead letters evicted meanwhile: there is no room for more dead ones'])
    expect(JSON.parse(crowded.data[0]!)).toMatchObject({ stored: 3, evicted: 2, expired: 0 })
    const old = await bounded({ maxAgeMs: 500_000 })
    expect(old.said).toEqual(['1 dead letter expired meanwhile: too old to be kept'])
    expect(JSON.parse(old.data[0]!)).toMatchObject({ stored: 3, evicted: 0, expired: 1 })
  })

  it('that the store ends says how far it came', async () => {
    const shelf = new LetterShelf()
    shelf.put = async () => {
      throw new Error('Redis is away')
    }
    const desk = deskOf(shelf)
    await expect(importLetters(desk, 'f', linesOf('', entry))).rejects.toThrow('Redis is away')
    expect(desk.said).toEqual(['stopped at f:2: Redis is away; import the file again to go on'])
  })

  it('takes no bytes that are not UTF-8 for something else', async () => {
    const desk = deskOf(new LetterShelf())
    const bytes = Buffer.concat([Buffer.from('{"a": "'), Buffer.of(0xff), Buffer.from('"}')])
    expect(await importLetters(desk, 'f', textLines(cutUp(bytes, 3)))).toBe(1)
    expect(desk.said).toEqual(['f:1: it must be UTF-8'])
  })
})

it('a line without a state is due; what only a store knows is ignored', () => {
  const line = JSON.stringify({ ...letterOf('s'), attempts: 4, epoch: 9, replays: 2, schema: 7 })
  expect(parseLetterLine(line)).toEqual({ letter: letterOf('s'), state: 'due' })
})
