import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Logger, silentLogger } from '../../../src/logger.ts'
import type { DeadLetter } from '../../../src/stores/index.ts'
import { createSpooledDeadLetterStore } from '../../../src/stores/spooled-dead-letter-store.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { LetterShelf, letterOf } from '../../fixtures/letter-shelf.ts'

/** What a call of a store does that is not well. */
type Mishap = 'none' | 'fails' | 'loses its answer' | 'hangs'

/** A store whose calls fare as they are told, one after another. */
class UnsteadyShelf extends LetterShelf {
  mishaps: Mishap[] = []

  override put(...args: Parameters<LetterShelf['put']>): ReturnType<LetterShelf['put']> {
    return this.fare(() => super.put(...args))
  }
  override counts(): ReturnType<LetterShelf['counts']> {
    return this.fare(() => super.counts())
  }

  private async fare<T>(call: () => Promise<T>): Promise<T> {
    const mishap = this.mishaps.shift() ?? 'none'
    if (mishap === 'hangs') return new Promise(() => undefined)
    if (mishap === 'fails') throw new Error('refused')
    const answer = await call()
    if (mishap === 'loses its answer') throw new Error('no answer')
    return answer
  }
}

function spooled(primary = new UnsteadyShelf(), spool = new LetterShelf(), logger: Logger = silentLogger) {
  const clock = new VirtualClock()
  return {
    primary,
    spool,
    clock,
    store: createSpooledDeadLetterStore({ primary, spool, clock, logger, random: () => 0.5 }),
  }
}

describe('a spooled store', () => {
  it('puts into the primary while that is there', async () => {
    const { primary, spool, store } = spooled()
    expect(await store.put(letterOf('a'))).toBe('stored')
    expect([primary.entries.size, spool.entries.size]).toEqual([1, 0])
    expect(store.figures).toEqual({ state: 'ready', spooled: 0, moved: 0, stuck: 0 })
    await store.close()
  })

  it('keeps what comes while the primary is away, and moves it, dead ones dead', async () => {
    const { primary, spool, clock, store } = spooled()
    spool.add(letterOf('old', { firstSeenAt: 1 }), { state: 'dead', attempts: 5 })
    primary.away = new Error('gone')
    expect(await store.put(letterOf('a'))).toBe('stored')
    expect(await store.put(letterOf('a'))).toBe('duplicate')
    await clock.advance(60_000)
    expect(store.figures).toEqual({ state: 'away', spooled: 1, moved: 0, stuck: 0 })
    expect(await store.spooled()).toBe(2)
    await expect(store.list()).rejects.toThrow('gone')
    expect(await store.get('a')).toMatchObject({ submissionId: 'a' })
    await expect(store.get('b')).rejects.toThrow('gone')
    primary.away = undefined
    await clock.advance(10_000)
    expect(store.figures).toEqual({ state: 'ready', spooled: 1, moved: 2, stuck: 0 })
    expect([...primary.entries.values()].map(({ submissionId, state }) => [submissionId, state])).toEqual([
      ['old', 'dead'],
      ['a', 'due'],
    ])
    expect(spool.entries.size).toBe(0)
    await store.close()
    expect([primary.closed, spool.closed, clock.pending]).toEqual([true, true, 0])
  })

  it('waits for no primary that does not answer', async () => {
    const { primary, spool, clock, store } = spooled()
    await clock.advance(0)
    primary.mishaps = ['hangs']
    const put = store.put(letterOf('a'))
    await clock.advance(5_000)
    expect(await put).toBe('stored')
    expect(spool.entries.size).toBe(1)
    await clock.advance(10_000)
    expect(store.figures).toEqual({ state: 'ready', spooled: 1, moved: 1, stuck: 0 })
    await store.close()
  })

  it('is not put off by what comes meanwhile', async () => {
    const { primary, spool, clock, store } = spooled()
    primary.away = new Error('gone')
    for (let at = 0; at < 400; at++) {
      if (at === 100) primary.away = undefined
      await store.put(letterOf(String(at), { firstSeenAt: at }))
      await clock.advance(100)
    }
    expect([store.figures.state, primary.entries.size, spool.entries.size]).toEqual(['ready', 400, 0])
    await store.close()
  })

  it('takes a primary that answers but has no memory for entries to be away, once, until it has', async () => {
    const lines: string[] = []
    const note = (_: object, line: string): void => void lines.push(line)
    const logger: Logger = { ...silentLogger, info: note, warn: note }
    const { primary, clock, store } = spooled(new UnsteadyShelf(), new LetterShelf(), logger)
    const put = primary.put.bind(primary)
    primary.put = () => Promise.reject(new Error('OOM command not allowed'))
    expect(await store.put(letterOf('a'))).toBe('stored')
    for (let second = 0; second < 60; second++) {
      await store.counts()
      await clock.advance(1_000)
    }
    expect([store.figures.state, lines]).toEqual([
      'away',
      ['the store of dead letters is away: they are kept in the data folder'],
    ])
    primary.put = put
    await clock.advance(10_000)
    expect([store.figures, lines.length]).toEqual([{ state: 'ready', spooled: 1, moved: 1, stuck: 0 }, 2])
    await store.close()
  })

  it('says at once that the primary is there again, when it answers something else', async () => {
    const { primary, clock, store } = spooled()
    primary.away = new Error('gone')
    await expect(store.counts()).rejects.toThrow('gone')
    expect(store.figures.state).toBe('away')
    primary.away = undefined
    await store.counts()
    await clock.advance(0)
    expect(store.figures.state).toBe('ready')
    await store.close()
  })

  it('leaves what another of its id bars, and what there is no room for', async () => {
    const { primary, spool, clock, store } = spooled()
    primary.add(letterOf('a', { request: 'another' }))
    spool.add(letterOf('a', { firstSeenAt: 1 })).add(letterOf('b', { firstSeenAt: 2 }))
    const put = primary.put.bind(primary)
    let isFull = true
    primary.put = async (letter, options) => (isFull && letter.submissionId === 'b' ? 'full' : put(letter, options))
    await clock.advance(1_000)
    expect([...spool.entries.keys()]).toEqual(['a', 'b'])
    isFull = false
    await clock.advance(10_000)
    expect([...spool.entries.keys()]).toEqual(['a'])
    expect(store.figures).toMatchObject({ moved: 1, stuck: 1 })
    expect(clock.pending).toBe(0)
    await store.close()
  })

  it('says of what stays how much cannot be read, and how much another of its id bars', async () => {
    const told: object[] = []
    const logger: Logger = { ...silentLogger, warn: (fields: object) => void told.push(fields) }
    const spool = new LetterShelf()
    spool.add(letterOf('a', { firstSeenAt: 1 }), {
      unreadable: 'it is encrypted with key 12345678, which is not given',
    })
    spool.add(letterOf('b', { firstSeenAt: 2 }))
    const { primary, clock, store } = spooled(new UnsteadyShelf(), spool, logger)
    primary.add(letterOf('b', { request: 'another' }))
    await clock.advance(1_000)
    expect(told).toEqual([{ stuck: 2, conflicts: 1, unreadable: 1 }])
    expect(store.figures.stuck).toBe(2)
    await store.close()
  })

  it('moves what there is room for from behind what there is none for, a page of that in each round', async () => {
    const { primary, spool, clock, store } = spooled()
    const full = new Set(['a', 'b', 'd', 'g'])
    for (const id of 'abcdefg') spool.add(letterOf(id, { firstSeenAt: id.charCodeAt(0) }))
    const put = primary.put.bind(primary)
    let refused = 0
    primary.put = async (letter, options) => {
      if (!full.has(letter.submissionId)) return put(letter, options)
      refused += 1
      return 'full'
    }
    await clock.advance(0)
    expect([spool.entries.size, refused]).toEqual([7, 2])
    await store.put(letterOf('A', { firstSeenAt: 'A'.charCodeAt(0) }))
    primary.away = new Error('gone')
    await store.put(letterOf('B', { firstSeenAt: 'B'.charCodeAt(0) }))
    primary.away = undefined
    await clock.advance(60_000)
    expect([...spool.entries.keys()]).toEqual(['a', 'b', 'd', 'g'])
    full.clear()
    await clock.advance(60_000)
    expect([spool.entries.size, primary.entries.size, clock.pending]).toEqual([0, 9, 0])
    await store.close()
  })

  it('purges from both, and nothing that was purged comes back', async () => {
    const { primary, spool, clock, store } = spooled()
    for (const id of ['a', 'b', 'c', 'd']) spool.add(letterOf(id, { firstSeenAt: id.charCodeAt(0) }))
    const moved = clock.advance(1_000)
    expect(await store.purge(['c', 'x'])).toEqual(['purged', 'unknown'])
    await moved
    expect([...primary.entries.keys()]).toEqual(['a', 'b', 'd'])
    expect(await store.replay(['a', 'c'])).toEqual(['due', 'unknown'])
    await store.close()
  })
})

it('brings back nothing that is purged while it is moved, or about to be', async () => {
  const { primary, spool, clock, store } = spooled()
  for (const [at, id] of ['a', 'b', 'c'].entries()) spool.add(letterOf(id, { firstSeenAt: at }))
  const put = primary.put.bind(primary)
  let purged: ReturnType<typeof store.purge> | undefined
  primary.put = async (letter, options) => {
    purged ??= store.purge(['a', 'b'])
    return put(letter, options)
  }
  await clock.advance(1_000)
  expect(await purged).toEqual(['purged', 'purged'])
  expect([[...primary.entries.keys()], spool.entries.size]).toEqual([['c'], 0])
  await store.close()
})

it('has what is replayed while it is moved, or about to be, due and no longer dead', async () => {
  const { primary, spool, clock, store } = spooled()
  for (const [at, id] of ['a', 'b'].entries()) spool.add(letterOf(id, { firstSeenAt: at }), { state: 'dead' })
  const put = primary.put.bind(primary)
  let replayed: ReturnType<typeof store.replay> | undefined
  primary.put = async (letter, options) => {
    replayed ??= store.replay(['a', 'b'])
    await Promise.resolve()
    return put(letter, options)
  }
  await clock.advance(1_000)
  expect(await replayed).toEqual(['replayed', 'replayed'])
  await clock.advance(1_000)
  expect([...primary.entries.values()].map(({ submissionId, state }) => [submissionId, state])).toEqual([
    ['a', 'due'],
    ['b', 'due'],
  ])
  expect(spool.entries.size).toBe(0)
  await store.close()
})

it('loses nothing that it has acknowledged, however its primary fares, and keeps it once', async () => {
  const mishaps = fc.array(fc.constantFrom<Mishap>('none', 'none', 'fails', 'loses its answer', 'hangs'), {
    maxLength: 30,
  })
  const puts = fc.array(
    fc.record({
      id: fc.integer({ max: 5, min: 0 }),
      body: fc.constantFrom('x', 'y'),
      pauseMs: fc.constantFrom(0, 1, 700, 20_000),
    }),
    {
      maxLength: 20,
    },
  )
  await fc.assert(
    fc.asyncProperty(puts, mishaps, async (given, fares) => {
      const { primary, spool, clock, store } = spooled()
      primary.mishaps = [...fares]
      const accepted = new Map<string, DeadLetter>()
      for (const { id, body, pauseMs } of given) {
        // As the pipeline: an answer that takes too long is given up, and the entry put again.
        const letter = letterOf(String(id), { request: body, firstSeenAt: id })
        const controller = new AbortController()
        const put = store.put(letter, { signal: controller.signal }).catch(() => 'unknown')
        const result = Promise.race([put, clock.advance(1).then(() => 'unknown')])
        const answer = await result
        controller.abort()
        if (answer === 'stored' && !accepted.has(letter.submissionId)) accepted.set(letter.submissionId, letter)
        await clock.advance(pauseMs)
      }
      primary.mishaps = []
      await clock.advance(60_000)
      for (const [id, { request }] of accepted) {
        const kept = [primary, spool].flatMap((shelf) => shelf.entries.get(id) ?? [])
        expect(kept.map((entry) => entry.request)).toContain(request)
        // What is in both is in conflict.
        if (kept.length === 2) expect(kept[0]!.request).not.toEqual(kept[1]!.request)
      }
      expect(store.figures.state).toBe('ready')
      await store.close()
      expect(clock.pending).toBe(0)
    }),
  )
})
