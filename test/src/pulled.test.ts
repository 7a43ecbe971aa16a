import fc from 'fast-check'
import { type Observable, take } from 'rxjs'
import { describe, expect, test } from 'vitest'
import type { HandlerContext } from '../../src/handler.ts'
import { pulled } from '../../src/pulled.ts'
import { chunksOf } from '../fixtures/chunks-of.ts'

const keepsUp = (signal = new AbortController().signal): Pick<HandlerContext, 'ready' | 'signal'> => ({
  ready: () => undefined,
  signal,
})

/** A source that gives the numbers from 1 on when it is told to, and records what is done to it. */
function handOperated(): {
  source: AsyncIterable<number>
  give: () => void
  fail: (error: Error) => void
  end: () => void
  log: string[]
  asked: () => Promise<undefined>
} {
  const log: string[] = []
  let given = 0
  let pending: PromiseWithResolvers<IteratorResult<number>> | undefined
  let asked = Promise.withResolvers<undefined>()
  const settle = (): PromiseWithResolvers<IteratorResult<number>> => {
    const settled = pending!
    pending = undefined
    asked = Promise.withResolvers<undefined>()
    return settled
  }
  return {
    log,
    source: {
      [Symbol.asyncIterator]: () => ({
        next() {
          log.push('next')
          pending = Promise.withResolvers<IteratorResult<number>>()
          asked.resolve(undefined)
          return pending.promise
        },
        return() {
          log.push('return')
          return Promise.resolve({ done: true, value: undefined })
        },
      }),
    },
    give: () => {
      settle().resolve({ done: false, value: ++given })
    },
    fail: (error) => {
      settle().reject(error)
    },
    end: () => {
      settle().resolve({ done: true, value: undefined })
    },
    asked: () => asked.promise,
  }
}

/** What a subscriber hears, as one list. */
function hear(stream: Observable<unknown>): { heard: unknown[]; over: Promise<undefined>; unsubscribe: () => void } {
  const heard: unknown[] = []
  const over = Promise.withResolvers<undefined>()
  const subscription = stream.subscribe({
    next: (value) => heard.push(value),
    error: (error: unknown) => {
      heard.push((error as Error).message)
      over.resolve(undefined)
    },
    complete: () => {
      heard.push('complete')
      over.resolve(undefined)
    },
  })
  return { heard, over: over.promise, unsubscribe: () => subscription.unsubscribe() }
}

describe('reading', () => {
  test('gives what the source gives, in order, then completes', async () => {
    const stream$ = pulled(async function* () {
      for (let n = 1; n <= 1000; n++) yield n
    }, keepsUp())
    const values = await chunksOf(stream$)
    expect(values).toEqual(Array.from({ length: 1000 }, (_, index) => index + 1))
  })

  test('opens nothing before it is subscribed, and once for each subscription', async () => {
    let opened = 0
    const stream$ = pulled(async function* () {
      yield ++opened
    }, keepsUp())
    expect(opened).toBe(0)
    expect(await chunksOf(stream$)).toEqual([1])
    expect(await chunksOf(stream$)).toEqual([2])
  })

  test('asks for a chunk only when the reader has room', async () => {
    const { source, give, log, asked } = handOperated()
    const room = Promise.withResolvers<undefined>()
    let full = true
    const { heard, unsubscribe } = hear(
      pulled(() => source, { ...keepsUp(), ready: () => (full ? room.promise.then(() => undefined) : undefined) }),
    )
    await asked()
    give()
    await new Promise(setImmediate)
    expect(heard).toEqual([1])
    expect(log).toEqual(['next'])
    full = false
    room.resolve(undefined)
    await asked()
    expect(log).toEqual(['next', 'next'])
    unsubscribe()
  })

  test('never gives more than the reader has room for, and loses nothing', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 0, max: 40 }),
        fc.scheduler(),
        async (capacity, count, s) => {
          const buffer: number[] = []
          let most = 0
          let wake: (() => void) | undefined
          const source = async function* (): AsyncGenerator<number> {
            for (let n = 0; n < count; n++) {
              await s.schedule(Promise.resolve(), 'source')
              yield n
            }
          }
          const ready = (): Promise<void> | undefined => {
            if (buffer.length < capacity) return undefined
            return new Promise((resolve) => (wake = resolve))
          }
          const over = Promise.withResolvers<undefined>()
          pulled(source, { ...keepsUp(), ready }).subscribe({
            next: (value) => {
              buffer.push(value)
              most = Math.max(most, buffer.length)
            },
            error: over.reject,
            complete: () => {
              over.resolve(undefined)
            },
          })
          const read: number[] = []
          const reading = (async () => {
            while (read.length < count) {
              await s.schedule(Promise.resolve(), 'reader')
              const value = buffer.shift()
              if (value === undefined) continue
              read.push(value)
              wake?.()
            }
            await over.promise
          })()
          await s.waitFor(reading)
          expect(read).toEqual(Array.from({ length: count }, (_, n) => n))
          expect(most).toBeLessThanOrEqual(capacity)
        },
      ),
    )
  })
})

describe('errors', () => {
  test("the source's error is the stream's", async () => {
    const { source, give, fail, asked, log } = handOperated()
    const { heard, over } = hear(pulled(() => source, keepsUp()))
    await asked()
    give()
    await new Promise(setImmediate)
    fail(new Error('dry'))
    await over
    expect(heard).toEqual([1, 'dry'])
    expect(log).not.toContain('return')
  })

  test('what opening throws is the error of the stream', async () => {
    const stream$ = pulled(() => {
      throw new Error('no source')
    }, keepsUp())
    await expect(chunksOf(stream$)).rejects.toThrow('no source')
  })
})

describe('giving up', () => {
  test('unsubscribing closes a source that is being waited for, and aborts its signal', async () => {
    const { source, asked, log } = handOperated()
    let seen: AbortSignal | undefined
    const { heard, unsubscribe } = hear(pulled((signal) => ((seen = signal), source), keepsUp()))
    await asked()
    unsubscribe()
    expect(log).toEqual(['next', 'return'])
    expect(seen?.aborted).toBe(true)
    expect(heard).toEqual([])
  })

  test('a chunk that comes afterwards is not passed on, and no further one is asked for', async () => {
    const { source, give, asked, log } = handOperated()
    let readerAsked = 0
    const ready = (): undefined => {
      readerAsked++
    }
    const { heard, unsubscribe } = hear(pulled(() => source, { ...keepsUp(), ready }))
    await asked()
    unsubscribe()
    give()
    await new Promise(setImmediate)
    expect(heard).toEqual([])
    expect(readerAsked).toBe(0)
    expect(log).toEqual(['next', 'return'])
  })

  test('unsubscribing from within a chunk closes the source', async () => {
    const { source, give, asked, log } = handOperated()
    const first = chunksOf(pulled(() => source, keepsUp()).pipe(take(1)))
    await asked()
    give()
    expect(await first).toEqual([1])
    expect(log).toEqual(['next', 'return'])
  })

  test("an abort of the context's signal is the stream's error and closes the source", async () => {
    const { source, asked, log } = handOperated()
    const request = new AbortController()
    let seen: AbortSignal | undefined
    const { heard, over } = hear(pulled((signal) => ((seen = signal), source), keepsUp(request.signal)))
    await asked()
    request.abort(new Error('too late'))
    await over
    expect(heard).toEqual(['too late'])
    expect(log).toEqual(['next', 'return'])
    expect(seen?.reason).toMatchObject({ message: 'too late' })
  })

  test('a signal that is aborted already opens nothing', async () => {
    let opened = false
    const stream$ = pulled(
      async function* () {
        opened = true
        yield 1
      },
      keepsUp(AbortSignal.abort(new Error('settled'))),
    )
    await expect(chunksOf(stream$)).rejects.toThrow('settled')
    expect(opened).toBe(false)
  })

  test('a source that was read to its end is neither aborted nor closed', async () => {
    const { source, end, asked, log } = handOperated()
    let seen: AbortSignal | undefined
    const { heard, over } = hear(pulled((signal) => ((seen = signal), source), keepsUp()))
    await asked()
    end()
    await over
    expect(heard).toEqual(['complete'])
    expect(log).toEqual(['next'])
    expect(seen?.aborted).toBe(false)
  })

  test.each<[string, () => Promise<never>]>([
    [
      'throws',
      () => {
        throw new Error('stuck')
      },
    ],
    ['rejects', () => Promise.reject(new Error('stuck'))],
  ])('a source whose return %s troubles nobody', async (_, giveBack) => {
    const source = { next: () => new Promise<never>(() => {}), return: giveBack }
    const { unsubscribe } = hear(pulled(() => ({ [Symbol.asyncIterator]: () => source }), keepsUp()))
    unsubscribe()
    // An unhandled rejection would be reported by the end of this turn, and fails the run.
    await new Promise(setImmediate)
  })

  test('leaves no listener on the signal', async () => {
    const { signal } = new AbortController()
    const listeners = new Set<unknown>()
    const add = signal.addEventListener.bind(signal)
    const remove = signal.removeEventListener.bind(signal)
    signal.addEventListener = (...args: Parameters<typeof add>): void => {
      listeners.add(args[1])
      add(...args)
    }
    signal.removeEventListener = (...args: Parameters<typeof remove>): void => {
      listeners.delete(args[1])
      remove(...args)
    }
    await chunksOf(
      pulled(async function* () {
        yield 1
      }, keepsUp(signal)),
    )
    expect(listeners.size).toBe(0)
  })
})
