import { describe, expect, it } from 'vitest'
import { letterFilter } from '../../../../src/cli/dead-letters/letter-filter.ts'
import { chosenLetters, letterSettings, listLimit } from '../../../../src/cli/dead-letters/settings.ts'

const now = Date.parse('2026-03-01T12:00:00Z')
const hour = 3_600_000

describe('a filter', () => {
  it('is what the options say; none is none', () => {
    expect(letterFilter({}, now)).toBeUndefined()
    const equal = { pipeline: 'p', stage: 's', kind: 'shed', reason: 'door', state: 'dead', session: 'x' }
    expect(letterFilter({ ...equal, olderThan: '2h', from: '2026-02-28' }, now)).toEqual({
      ...equal,
      from: Date.parse('2026-02-28T00:00:00Z'),
      to: now - 2 * hour,
    })
    expect(letterFilter({ newerThan: '3h', from: '1d', olderThan: '1h', to: '2h' }, now)).toEqual({
      from: now - 3 * hour,
      to: now - 2 * hour,
    })
  })

  it.each([
    [{ kind: 'late' }, '--kind must be one of "shed", "failed", "expired", got "late"'],
    [{ state: 'gone' }, '--state must be one of "due", "leased", "dead", got "gone"'],
    [{ stage: '' }, '--stage must not be empty'],
    [{ olderThan: 'x' }, '--older-than must be a time such as'],
    [{ newerThan: '1h', olderThan: '2h' }, 'got 2026-03-01T11:00:00.000Z and 2026-03-01T10:00:00.000Z'],
  ])('%j is refused', (given, message) => {
    expect(() => letterFilter(given, now)).toThrow(message)
  })
})

describe('a change', () => {
  it('is for ids, each once, a filter, or everything', () => {
    expect(chosenLetters('replay', ['b', 'a', 'b'], {}, now)).toEqual({ ids: ['b', 'a'] })
    expect(chosenLetters('replay', [], { stage: 's' }, now)).toEqual({ filter: { stage: 's' } })
    expect(chosenLetters('replay', [], { all: true }, now)).toEqual({ filter: {} })
  })

  it.each([
    [[], {}, 'purge must be told which: ids, a filter such as --stage inference, or --all; got nothing'],
    [['a'], { stage: 's' }, 'got ids and a filter'],
    [['a'], { all: true }, 'got ids and --all'],
    [[], { all: true, stage: 's' }, 'got a filter and --all'],
    [[''], {}, 'ID must not be empty'],
  ])('%j %j is refused', (ids, given, message) => {
    expect(() => chosenLetters('purge', ids, given, now)).toThrow(message)
  })
})

it('a limit is a whole number', () => {
  expect([listLimit({}), listLimit({ limit: '5' })]).toEqual([undefined, 5])
  expect(() => listLimit({ limit: '0' })).toThrow('--limit must be a whole number from 1')
  expect(() => listLimit({ limit: 'x' })).toThrow('got "x"')
})

it('how many dead letters there may be is said as to the server', () => {
  expect(letterSettings({ deadLettersMaxEntries: '7' }, {}).maxEntries).toBe(7)
  expect(() => letterSettings({ deadLettersMaxEntries: '0' }, {})).toThrow(
    '--dead-letters-max-entries must be a whole number from 1 to',
  )
})

it('the environment says where Redis is and what encrypts, and neither is printed', () => {
  expect(letterSettings({}, { REDIS_URL: '' })).toEqual({
    ...{ dataDir: '.spillway', redis: undefined, encryptionKeys: [], maxEntries: 100_000, json: false },
  })
  const redisOf = (url: string): unknown => letterSettings({}, { REDIS_URL: url }).redis
  expect(redisOf('redis://:secret@localhost:1')).toEqual({ url: 'redis://:secret@localhost:1', name: 'localhost:1' })
  expect(redisOf('redis://a:1, redis://b:2')).toEqual({ url: ['redis://a:1', 'redis://b:2'], name: 'a:1,b:2' })
  expect(() => redisOf('http://:secret@localhost')).toThrow(/^REDIS_URL must be redis:[^]*one that begins with http:$/)
  expect(() => redisOf('secret')).toThrow(/^REDIS_URL must be redis:[^]*got something else$/)
})
