import { expect, test } from 'vitest'
import { KeptStreams } from '../../../src/server/kept-streams.ts'
import { VirtualClock } from '../../../src/testing/index.ts'
import { scriptedPipeline } from './scripted-pipeline.ts'

const unexpected = (error: unknown): never => {
  throw error
}

function keeping(streams = 2) {
  const clock = new VirtualClock()
  const pipeline = scriptedPipeline(async function* (_request, cancelled) {
    yield [{ text: 'x' }]
    await cancelled
    return undefined
  })
  const kept = new KeptStreams({ streams, events: 10, bytes: 1000, resumeMs: 100, clock })
  return { clock, kept, add: (id: string) => kept.add(id, pipeline.running.submit({ id, input: 'x' }), unexpected) }
}

const reader = () => {
  const told = { superseded: 0 }
  return {
    told,
    superseded: (): void => {
      told.superseded++
    },
  }
}

test('a stream without a reader is forgotten in time, and its request cancelled', async () => {
  const { clock, kept, add } = keeping()
  const stream = add('a')
  const [first, second] = [reader(), reader()]
  kept.attach('a', first)
  await clock.advance(1000)
  expect(kept.get('a')).toBe(stream)
  kept.detach('a', first)
  await clock.advance(99)
  kept.attach('a', second)
  await clock.advance(1000)
  kept.detach('a', second)
  await clock.advance(99)
  expect(stream.reply.settled).toBeUndefined()
  await clock.advance(1)
  expect(kept.get('a')).toBeUndefined()
  expect(stream.reply.settled).toMatchObject({
    kind: 'cancelled',
    reason: { message: expect.stringContaining('resumeMs') as string },
  })
  expect(clock.pending).toBe(0)
})

test('a reader takes the place of the one before, whose leaving no longer matters', async () => {
  const { clock, kept, add } = keeping()
  add('a')
  const [first, second] = [reader(), reader()]
  kept.attach('a', first)
  kept.attach('a', second)
  expect([first.told.superseded, second.told.superseded]).toEqual([1, 0])
  kept.detach('a', first)
  await clock.advance(1000)
  expect(kept.get('a')).toBeDefined()
})

test('for one more the one that ended longest ago makes room, never one that is read or has not ended', async () => {
  const { kept, add } = keeping(3)
  const streams = ['a', 'b', 'c'].map(add)
  expect(kept.makeRoom()).toBe(false)
  const readers = streams.map(reader)
  for (const [index, id] of ['a', 'b', 'c'].entries()) kept.attach(id, readers[index]!)
  for (const stream of streams.slice(0, 2)) {
    stream.reply.cancel()
    while (!stream.ended) await stream.more()
  }
  expect(kept.makeRoom()).toBe(false)
  kept.detach('b', readers[1]!)
  kept.detach('a', readers[0]!)
  expect(kept.makeRoom()).toBe(true)
  expect([kept.size, kept.get('b')]).toEqual([2, undefined])
})

test('closing forgets all and leaves no timer', () => {
  const { clock, kept, add } = keeping()
  const stream = add('a')
  kept.close()
  expect([kept.size, clock.pending]).toEqual([0, 0])
  expect(stream.reply.settled?.kind).toBe('cancelled')
})

test('of those that were deleted as many are remembered as there may be streams, and a new one takes the name', () => {
  const { clock, kept, add } = keeping(2)
  for (const id of ['a', 'b', 'c']) {
    const stream = add(id)
    expect(kept.delete(id)).toBe(true)
    expect([kept.get(id), stream.deleted, stream.reply.settled?.kind]).toEqual([undefined, true, 'cancelled'])
  }
  expect(['a', 'b', 'c', 'd'].map((id) => kept.wasDeleted(id))).toEqual([false, true, true, false])
  expect(['a', 'b', 'd'].map((id) => kept.delete(id))).toEqual([false, true, false])
  const again = add('b')
  expect([kept.get('b') === again, kept.wasDeleted('b')]).toEqual([true, false])
  kept.close()
  expect([kept.wasDeleted('c'), clock.pending]).toEqual([false, 0])
})

test('forgetting a stream spares another that has taken its name', () => {
  const { kept, add } = keeping()
  const first = add('a')
  kept.delete('a')
  const second = add('a')
  kept.forget('a', first)
  expect([kept.get('a') === second, second.reply.settled]).toEqual([true, undefined])
})
