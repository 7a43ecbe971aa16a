import { of } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { pipeline, pulled } from '../../../src/index.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'

const stallTimeoutMs = 30_000

/** A pipeline that answers with the numbers from 0, and counts for how many its source was asked. */
function counting(to: number, options: object = {}) {
  const clock = new VirtualClock()
  const source = { asked: 0 }
  const numbers = async function* (): AsyncGenerator<number> {
    while (source.asked < to) yield source.asked++
  }
  const running = pipeline<string>('p')
    .stage('infer', (_, context) => pulled(numbers, context), { capacity: 1 })
    .start({ clock, stallTimeoutMs, ...options })
  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      clock.setTimeout(resolve, ms)
    })
  return { clock, running, source, pause }
}

describe('a reader that takes chunk after chunk', () => {
  it.each([1, 7, 256])(
    'may take its time for each, and the source keeps at most streamBuffer (%i) ahead of it',
    async (streamBuffer) => {
      const { clock, running, source, pause } = counting(2000, { streamBuffer })
      const reply = running.submit('x')
      const taken: number[] = []
      let mostAhead = 0
      let booked: number | undefined
      const read = async (): Promise<void> => {
        for await (const chunk of reply) {
          taken.push(chunk)
          mostAhead = Math.max(mostAhead, source.asked - taken.length)
          if (taken.length < 2000) booked ??= running.ledger().completed === 0 ? undefined : taken.length
          await pause(200)
          mostAhead = Math.max(mostAhead, source.asked - taken.length)
        }
      }
      const reading = read()
      await clock.advance(2000 * 200)
      await reading
      expect(taken).toEqual(Array.from({ length: 2000 }, (_, index) => index))
      expect(reply.settled).toMatchObject({ kind: 'completed', chunks: 2000 })
      expect(booked).toBeUndefined()
      // What waits, and the one that the source may hold ready.
      expect(mostAhead).toBeLessThanOrEqual(streamBuffer + 2)
      expect(mostAhead).toBeGreaterThanOrEqual(Math.min(streamBuffer, 2) - 1)
    },
  )

  it('has the last chunk before the request is completed, however early the source ended', async () => {
    const { clock, running, source, pause } = counting(3, { streamBuffer: 8 })
    const reply = running.submit('x')
    const seen: unknown[] = []
    const read = async (): Promise<void> => {
      for await (const chunk of reply) {
        if (chunk < 2) seen.push(reply.settled, running.ledger().completed)
        await pause(1000)
      }
    }
    const reading = read()
    await clock.advance(500)
    expect(source.asked).toBe(3)
    expect(running.stages.infer.running).toBe(0)
    expect(reply.settled).toBeUndefined()
    await clock.advance(2500)
    await reading
    expect(seen).toEqual([undefined, 0, undefined, 0])
    expect(reply.settled).toMatchObject({ kind: 'completed', chunks: 3 })
  })

  it('is cut off when it stops, stallTimeoutMs after it has last taken something', async () => {
    const { clock, running, pause } = counting(2000, { streamBuffer: 8 })
    const reply = running.submit('x')
    const taken: number[] = []
    const read = async (): Promise<void> => {
      for await (const chunk of reply) {
        taken.push(chunk)
        await pause(taken.length < 4 ? 200 : stallTimeoutMs + 1000)
      }
    }
    const end = read().catch((error: unknown) => error)
    await clock.advance(600 + stallTimeoutMs - 1)
    expect(reply.settled).toBeUndefined()
    await clock.advance(1)
    expect(reply.settled).toMatchObject({ kind: 'cancelled' })
    await clock.advance(1000)
    expect(await end).toMatchObject({ code: 'cancelled' })
    expect(taken).toEqual([0, 1, 2, 3])
  })

  it('gets all that are there where it asks for batches', async () => {
    const running = pipeline<string>('p')
      .stage('infer', () => of('a', 'b', 'c'), { capacity: 1 })
      .start({ clock: new VirtualClock(), streamBuffer: 4 })
    const reply = running.submit('x')
    const reader = reply.batches()
    expect(await reader.next()).toEqual({ done: false, value: ['a', 'b', 'c'] })
    expect(await reader.next()).toMatchObject({ done: true })
    expect(reply.settled).toMatchObject({ kind: 'completed', chunks: 3 })
  })
})
