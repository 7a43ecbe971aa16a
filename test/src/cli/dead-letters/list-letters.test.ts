import fc from 'fast-check'
import { expect, test } from 'vitest'
import { letterTable } from '../../../../src/cli/dead-letters/letter-table.ts'
import { listLetters } from '../../../../src/cli/dead-letters/list-letters.ts'
import type { StoredDeadLetter } from '../../../../src/stores/index.ts'
import { LetterShelf, letterOf } from '../../../fixtures/letter-shelf.ts'
import { deskOf } from './desk-of.ts'

const shelf = new LetterShelf()
  .add(letterOf('s1', { firstSeenAt: 1_000 }), { state: 'dead', attempts: 5 })
  .add(letterOf('s2', { firstSeenAt: 2_000, kind: 'shed', reason: 'door' }))
  .add(letterOf('s3', { firstSeenAt: 3_000, id: 'a\u001b]0;x\u0007b' }), { unreadable: 'another key' })

test('a table has a line for each', async () => {
  const desk = deskOf(shelf)
  expect(await listLetters(desk, {})).toBe(3)
  expect(desk.data).toEqual([
    'ID  PIPELINE  STAGE      KIND/REASON          STATE  ATTEMPTS  AGE',
    's1  chat      inference  failed/stage_failed  dead   5         1h',
    's2  chat      inference  shed/door            due    0         59m59s',
    's3  chat      inference  failed/stage_failed (unreadable)  due    0         59m58s',
  ])
  expect(desk.said).toEqual([])
})

test('lines of JSON have all but the request', async () => {
  const desk = deskOf(shelf, { json: true })
  await listLetters(desk, { kind: 'shed' })
  const { request: _, ...head } = shelf.entries.get('s2')!
  expect(desk.data.map((line) => JSON.parse(line) as unknown)).toEqual([head])
})

test('nothing is said on standard error, and so many at the most are shown', async () => {
  const none = deskOf(shelf, { json: true })
  expect(await listLetters(none, { kind: 'expired' })).toBe(0)
  expect([none.data, none.said]).toEqual([[], ['no dead letter fits']])
  const empty = deskOf(new LetterShelf())
  await listLetters(empty, {})
  expect([empty.data, empty.said]).toEqual([[], ['there are no dead letters']])
  const two = deskOf(shelf, { json: true })
  expect(await listLetters(two, {}, 1)).toBe(1)
  expect(two.data).toHaveLength(1)
})

const strange = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 })
const entries = fc.array(
  fc
    .record({ submissionId: strange, pipeline: strange, stage: strange, reason: strange })
    .map((some): StoredDeadLetter => ({
      ...letterOf(''),
      ...some,
      ...{ state: 'due', stateAt: 0, attempts: 1, epoch: 1, replays: 0 },
    })),
  { minLength: 1, maxLength: 5 },
)

test('a table fits its terminal, whatever the names are, and holds nothing that a terminal obeys', () => {
  fc.assert(
    fc.property(entries, fc.integer({ min: 45, max: 200 }), (letters, width) => {
      const table = letterTable(letters, width, 5_000)
      for (const line of [table.head, ...letters.map((letter) => table.row(letter))]) {
        expect(Array.from(line).length).toBeLessThanOrEqual(width)
        expect(line).not.toMatch(/\p{Cc}/u)
      }
    }),
  )
})

test('ids stay whole as long as anything else can be cut', () => {
  const letter = { ...letterOf('01a2b3c4-0000-4000-8000-000000000001'), stage: 's'.repeat(60) }
  const stored: StoredDeadLetter = { ...letter, state: 'due', stateAt: 0, attempts: 0, epoch: 0, replays: 0 }
  expect(letterTable([stored], 80, 0).row(stored)).toContain(letter.submissionId)
})
