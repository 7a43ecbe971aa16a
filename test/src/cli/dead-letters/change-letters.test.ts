import { describe, expect, it } from 'vitest'
import { changeLetters, rehearseChange } from '../../../../src/cli/dead-letters/change-letters.ts'
import { LetterShelf, letterOf } from '../../../fixtures/letter-shelf.ts'
import { deskOf } from './desk-of.ts'

function shelfOf(count: number): LetterShelf {
  const shelf = new LetterShelf()
  for (let at = 1; at <= count; at++) {
    shelf.add(letterOf(`s${at}`, { firstSeenAt: at, stage: at % 2 === 0 ? 'rag' : 'inference' }), { state: 'dead' })
  }
  return shelf
}

const states = (shelf: LetterShelf): readonly string[] => [...shelf.entries.values()].map(({ state }) => state)

describe('a replay', () => {
  it('of ids does those that are there, refuses the others by name and fails', async () => {
    const shelf = shelfOf(3).add(letterOf('s4'), { state: 'leased' })
    const desk = deskOf(shelf)
    expect(await changeLetters(desk, 'replay', { ids: ['s3', 'no\u001b[2J', 's4', 's1'] })).toBe(1)
    expect(states(shelf)).toEqual(['due', 'dead', 'due', 'leased'])
    expect(desk.said).toEqual(['error: there is no dead letter "no�[2J"'])
    expect(desk.data).toEqual(['2 replayed, 1 left alone, because they are being redriven'])
  })

  it('of a filter goes through all pages, and says so as JSON', async () => {
    const shelf = shelfOf(7)
    const desk = deskOf(shelf, { json: true })
    expect(await changeLetters(desk, 'replay', { filter: { stage: 'inference' } })).toBe(0)
    expect(states(shelf)).toEqual(['due', 'dead', 'due', 'dead', 'due', 'dead', 'due'])
    expect(desk.data.map((line) => JSON.parse(line) as unknown)).toEqual(
      ['s1', 's3', 's5', 's7'].map((submissionId) => ({ submissionId, result: 'replayed' })),
    )
    expect(desk.said).toEqual(['4 replayed'])
    expect(desk.steps).toEqual([{ done: 2 }, { done: 4 }])
  })

  it('of everything knows how many there are', async () => {
    const desk = deskOf(shelfOf(3))
    await changeLetters(desk, 'replay', { filter: {} })
    expect(desk.steps).toEqual([
      { done: 2, total: 3 },
      { done: 3, total: 3 },
    ])
  })

  it('that is done again changes nothing', async () => {
    const shelf = shelfOf(3)
    await changeLetters(deskOf(shelf), 'replay', { filter: {} })
    const before = [...shelf.entries.values()]
    const desk = deskOf(shelf)
    expect(await changeLetters(desk, 'replay', { filter: {} })).toBe(0)
    expect([...shelf.entries.values()]).toEqual(before)
    expect(desk.data).toEqual(['3 due now, without having been dead'])
  })

  it('of more ids than a store takes at once gives it as many as it takes', async () => {
    const shelf = shelfOf(250)
    const sizes: number[] = []
    const replay = shelf.replay.bind(shelf)
    shelf.replay = (ids) => (sizes.push(ids.length), replay(ids))
    expect(await changeLetters(deskOf(shelf), 'replay', { ids: [...shelf.entries.keys()] })).toBe(0)
    expect(sizes).toEqual([100, 100, 50])
    expect(new Set(states(shelf))).toEqual(new Set(['due']))
  })
})

describe('a purge', () => {
  it('of a filter leaves the others', async () => {
    const shelf = shelfOf(7)
    const desk = deskOf(shelf)
    expect(await changeLetters(desk, 'purge', { filter: { stage: 'inference' } })).toBe(0)
    expect([...shelf.entries.keys()]).toEqual(['s2', 's4', 's6'])
    expect(desk.data).toEqual(['4 purged'])
  })

  it('of nothing says so', async () => {
    const desk = deskOf(shelfOf(1))
    expect(await changeLetters(desk, 'purge', { filter: { reason: 'other' } })).toBe(0)
    expect(desk.data).toEqual(['nothing was changed'])
  })
})

it('a change that a store or a signal ends says what was done', async () => {
  const shelf = shelfOf(5)
  const purge = shelf.purge.bind(shelf)
  shelf.purge = (ids) => {
    const result = purge(ids)
    shelf.away = new Error('Redis is away')
    return result
  }
  const desk = deskOf(shelf)
  await expect(changeLetters(desk, 'purge', { filter: {} })).rejects.toThrow('Redis is away')
  expect([desk.said, desk.data]).toEqual([['stopped: Redis is away; what was done until then:'], ['2 purged']])
  const stopped = deskOf(shelfOf(3), { signal: AbortSignal.abort(new Error('stopped by SIGINT')) })
  await expect(changeLetters(stopped, 'purge', { ids: ['s1'] })).rejects.toThrow('stopped by SIGINT')
  expect(stopped.data).toEqual(['nothing was changed'])
})

describe('a rehearsal', () => {
  it('shows what fits and changes nothing', async () => {
    const shelf = shelfOf(3)
    const desk = deskOf(shelf, { json: true })
    expect(await rehearseChange(desk, 'purge', { filter: { stage: 'rag' } })).toBe(0)
    expect(desk.data.map((line) => (JSON.parse(line) as { submissionId: string }).submissionId)).toEqual(['s2'])
    expect(desk.said).toEqual(['would purge 1 dead letter; nothing was changed'])
    expect(shelf.entries.size).toBe(3)
  })

  it('refuses an id that is unknown, as the change would', async () => {
    const desk = deskOf(shelfOf(3))
    expect(await rehearseChange(desk, 'replay', { ids: ['s1', 'x'] })).toBe(1)
    expect(desk.data).toEqual(['s1'])
    expect(desk.said).toEqual(['error: there is no dead letter "x"', 'would replay 1 dead letter; nothing was changed'])
  })
})
