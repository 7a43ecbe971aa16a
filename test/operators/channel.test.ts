import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Channel, ChannelClosedError, type ItemEnd, OverflowError } from '../../operators/index.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'
import { scaled } from '../effort.ts'
import { type Action, anyAction, createModel, createReal, type World } from './channel-world.ts'
import type { PlainChannel, PlainChannelOptions } from './plain-channel.ts'

class Do implements fc.AsyncCommand<World, World> {
  private readonly action: Action
  private readonly options: PlainChannelOptions

  constructor(action: Action, options: PlainChannelOptions) {
    this.action = action
    this.options = options
  }

  check(): boolean {
    return true
  }

  async run(model: World, real: World): Promise<void> {
    const plain = model.channel as unknown as PlainChannel
    model.do(this.action)
    real.do(this.action)
    // At once: nothing of this waits for a promise.
    expect(real.trace).toEqual(model.trace)
    expect(real.channel.stats).toEqual(model.channel.stats)
    expect(plain.idles, 'nothing waits beside what it waits for').toBe(false)
    keepsItsBooks(real, this.options)
    await turn()
    expect(real.answers.toSorted()).toEqual(model.answers.toSorted())
    expect(real.channel.closed).toBe(plain.closed)
  }

  toString(): string {
    return JSON.stringify(this.action)
  }
}

/** The contract's invariants 1 and 2. */
function keepsItsBooks(world: World, { capacity, concurrency, weights }: PlainChannelOptions): void {
  const { offered, accepted, rejected, pending, waiting, running, evicted, shed, ...rest } = world.channel.stats
  const { completed, failed, expired, cancelled, discarded } = rest
  expect(offered).toBe(accepted + rejected + pending)
  expect(accepted).toBe(waiting + running + completed + failed + expired + cancelled + evicted + discarded)
  expect(shed).toBe(rejected + evicted)
  expect(running).toBeGreaterThanOrEqual(0)
  expect(waiting).toBeGreaterThanOrEqual(0)
  if (world.limitsChanged) return
  expect(running).toBeLessThanOrEqual(concurrency)
  if (weights !== undefined) return
  if (!world.admitted) expect(waiting + running).toBeLessThanOrEqual(capacity + concurrency)
  if (!world.admitted && !world.crowded) expect(waiting).toBeLessThanOrEqual(capacity)
}

const anyOptions: fc.Arbitrary<PlainChannelOptions> = fc.record({
  capacity: fc.oneof(
    { weight: 9, arbitrary: fc.integer({ min: 0, max: 5 }) },
    { arbitrary: fc.constant(Infinity), weight: 1 },
  ),
  concurrency: fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 1, max: 4 }) },
    { arbitrary: fc.constant(Infinity), weight: 1 },
  ),
  overflow: fc.constantFrom('drop-newest', 'drop-oldest', 'drop-lowest', 'fail'),
  weights: fc.option(fc.array(fc.constantFrom(0.5, 1, 1, 2, 3), { minLength: 1, maxLength: 7 }), { nil: undefined }),
  priorities: fc.option(fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 7 }), { nil: undefined }),
  held: fc.option(fc.array(fc.boolean(), { minLength: 1, maxLength: 7 }), { nil: undefined }),
  ttlMs: fc.constantFrom(Infinity, Infinity, 5, 10),
  maxSenders: fc.integer({ min: 0, max: 4 }),
})

const anyRun = anyOptions.chain((options) =>
  fc.tuple(
    fc.constant(options),
    fc.boolean(),
    fc.commands([anyAction.map((action) => new Do(action, options))], { maxCommands: 60, size: 'max' }),
  ),
)

describe('against the plain channel', () => {
  test('whatever is done, from outside or by the consumer itself, has the same effect and the same figures', async () => {
    await fc.assert(
      fc.asyncProperty(anyRun, async ([options, consumed, commands]) => {
        await fc.asyncModelRun(() => {
          const [model, real] = [createModel(options), createReal(options)]
          for (const world of consumed ? [model, real] : []) world.do({ do: 'consume' })
          return { model, real }
        }, commands)
      }),
      { numRuns: scaled(400) },
    )
  })
})

describe('starts', () => {
  test.each([1, 2, 3, 64, Infinity])(
    'concurrency %s: 100,000 items, each brought by the one before, keep their order',
    (concurrency) => {
      const count = scaled(100_000)
      const channel = new Channel<number>({ capacity: 1, concurrency })
      const started: number[] = []
      channel.consume((value) => {
        started.push(value)
        if (value < count) expect(channel.offer(value + 1)).toBe('accepted')
        channel.release('completed')
        channel.drain()
      })
      channel.offer(1)
      expect(started.length).toBe(count)
      expect(started.every((value, index) => value === index + 1)).toBe(true)
      expect(channel.idle).toBe(true)
    },
  )

  test.each([1, 2, 64])(
    'concurrency %s: 100,000 waiting items that end at once start without a deep stack',
    (concurrency) => {
      const count = scaled(100_000)
      const channel = new Channel<number>({ capacity: count, concurrency })
      for (let value = 0; value < count; value++) channel.offer(value)
      const started: number[] = []
      channel.consume((value) => {
        started.push(value)
        channel.release('completed')
        channel.drain()
      })
      expect(started.length).toBe(count)
      expect(started.every((value, index) => value === index)).toBe(true)
    },
  )

  test('an item that arrives within the starts of others starts in that very call', () => {
    const channel = new Channel<number>({ capacity: 0, concurrency: Infinity })
    let running = 0
    channel.consume((depth) => {
      running += 1
      if (depth === 10) return
      const before = running
      channel.offer(depth + 1)
      expect(running).toBeGreaterThan(before)
    })
    channel.offer(1)
    expect(channel.running).toBe(10)
  })

  test('what a consumer throws reaches the caller, and the books and the next items are as ever', () => {
    const channel = new Channel<string>({ capacity: 4, concurrency: 2 })
    const started: string[] = []
    channel.consume((value) => {
      started.push(value)
      if (value.startsWith('bad')) throw new Error(value)
    })
    channel.offer('a')
    expect(() => channel.offer('bad b')).toThrow('bad b')
    channel.offer('bad c')
    channel.offer('d')
    expect(channel.stats).toMatchObject({ offered: 4, accepted: 4, running: 2, waiting: 2 })
    channel.release('failed')
    expect(() => {
      channel.drain()
    }).toThrow('bad c')
    channel.release('failed')
    channel.drain()
    expect(started).toEqual(['a', 'bad b', 'bad c', 'd'])
    expect(channel.stats).toMatchObject({ accepted: 4, running: 2, failed: 2, waiting: 0 })
  })

  test('only one consumes at a time, and to go away twice has no effect on the next', () => {
    const channel = new Channel<number>({ capacity: 1 })
    const leave = channel.consume(() => undefined)
    expect(() => channel.consume(() => undefined)).toThrow(TypeError)
    leave()
    const started: number[] = []
    channel.consume((value) => started.push(value))
    leave()
    channel.offer(1)
    expect(started).toEqual([1])
  })

  test('to go away twice does not put back what is about to start for the next', () => {
    const channel = new Channel<number>({ capacity: 2, priority: Number })
    const leave = channel.consume(() => undefined)
    leave()
    const started: number[] = []
    channel.consume((value) => started.push(value))
    for (const value of [1, 2]) channel.offer(value)
    channel.release('completed')
    channel.offer(3)
    leave()
    channel.drain()
    expect(started).toEqual([1, 2])
  })
})

describe('send and take', () => {
  test('bring every value across, once and in order, at any capacity', async () => {
    const anyValues = fc.tuple(fc.integer({ min: 0, max: 4 }), fc.array(fc.nat(), { maxLength: 40, size: 'max' }))
    await fc.assert(
      fc.asyncProperty(anyValues, async ([capacity, values]) => {
        const channel = new Channel<number>({ capacity })
        const taken: number[] = []
        const taking = (async () => {
          for await (const value of channel) taken.push(value)
        })()
        for (const value of values) await channel.send(value)
        channel.close()
        await taking
        expect(taken).toEqual(values)
        expect(channel.stats).toMatchObject({ accepted: values.length, completed: values.length, rejected: 0 })
      }),
    )
  })

  test('two who iterate share what there is and both stop at the end', async () => {
    const channel = new Channel<number>({ capacity: 2 })
    const taken: number[] = []
    const read = async (): Promise<void> => {
      for await (const value of channel) taken.push(value)
    }
    const readers = [read(), read()]
    for (let value = 0; value < 50; value++) await channel.send(value)
    channel.close()
    await Promise.all(readers)
    expect(taken.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, value) => value))
  })

  test('reject with what happened', async () => {
    const channel = new Channel<number>({ capacity: 0, maxSenders: 1 })
    const [late, left] = [new Error('too late'), new Error('left')]
    await expect(channel.send(1, { signal: AbortSignal.abort(late) })).rejects.toBe(late)
    await expect(channel.take({ signal: AbortSignal.abort(late) })).rejects.toBe(late)
    const controller = new AbortController()
    const waiting = channel.send(2, controller)
    await expect(channel.send(3)).rejects.toThrow(OverflowError)
    controller.abort(left)
    await expect(waiting).rejects.toBe(left)
    const taking = channel.take()
    channel.close()
    await expect(taking).rejects.toThrow(ChannelClosedError)
    await expect(channel.send(4)).rejects.toThrow(ChannelClosedError)
    expect(channel.stats).toMatchObject({ offered: 2, rejected: 2, pending: 0 })
  })

  test('leave no listener on the signal', async () => {
    const { signal } = new AbortController()
    let listeners = 0
    const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)]
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners += 1
      add(...args)
    }
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners -= 1
      remove(...args)
    }
    const channel = new Channel<number>({ capacity: 0 })
    const taken = channel.take({ signal })
    await channel.send(1, { signal })
    await taken
    const sent = channel.send(2, { signal })
    expect(listeners).toBe(1)
    await channel.take({ signal })
    await sent
    const dismissed = channel.take({ signal })
    channel.close()
    await expect(dismissed).rejects.toThrow(ChannelClosedError)
    expect(listeners).toBe(0)
  })
})

describe('options', () => {
  const bad: readonly (readonly [string, object, typeof Error])[] = [
    ['capacity', {}, TypeError],
    ['capacity', { capacity: -1 }, RangeError],
    ['capacity', { capacity: 1.5 }, RangeError],
    ['concurrency', { capacity: 1, concurrency: 0 }, RangeError],
    ['concurrency', { capacity: 1, concurrency: '2' }, TypeError],
    ['overflow', { capacity: 1, overflow: 'drop-lowest' }, RangeError],
    ['maxSenders', { capacity: 1, maxSenders: -1 }, RangeError],
    ['overflow must be "drop-newest", ', { capacity: 1, overflow: null }, TypeError],
    ['overflow.drop', { capacity: 1, overflow: { drop: 'highest', priority: Number } }, RangeError],
    ['overflow.priority', { capacity: 1, overflow: { drop: 'lowest' } }, TypeError],
    ['priority', { capacity: 1, overflow: { drop: 'lowest', priority: Number }, priority: Number }, TypeError],
    ['priority', { capacity: 1, priority: 1 }, TypeError],
    ['weight', { capacity: 1, weight: 1 }, TypeError],
    ['ttlMs', { capacity: 1, ttlMs: 0 }, RangeError],
    ['clock', { capacity: 1, clock: {} }, TypeError],
    ['onLost', { capacity: 1, onLost: 1 }, TypeError],
    ['onRoom must be', { capacity: 1, onRoom: 1 }, TypeError],
    [
      `overflow must be "drop-newest", "drop-oldest", "fail", { drop: 'lowest', priority } or { drop: 'over-share', tenant }, got "drop-lowest"`,
      { capacity: 1, overflow: 'drop-lowest' },
      RangeError,
    ],
    ['Channel: unknown option "capcity"', { capcity: 1 }, TypeError],
  ]
  test.each(bad)('a bad %s is refused by name: %j', (name, options, type) => {
    const create = (): unknown => new Channel(options as { capacity: number })
    expect(create).toThrow(type)
    expect(create).toThrow(name)
  })
})

test('every end has its figure', () => {
  const ends: readonly ItemEnd[] = ['completed', 'failed', 'expired', 'cancelled', 'evicted', 'discarded']
  const channel = new Channel<ItemEnd>({ capacity: 5 })
  channel.consume((end) => {
    channel.release(end)
    channel.drain()
  })
  for (const end of ends) channel.offer(end)
  expect(channel.stats).toMatchObject(Object.fromEntries(ends.map((end) => [end, 1])))
})

describe('accepts', () => {
  const kinds = fc.constantFrom('drop-newest', 'drop-oldest', 'drop-lowest')

  test('says what offer would do, and changes nothing', () => {
    const item = fc.record({ weight: fc.integer({ min: 1, max: 4 }), priority: fc.integer({ min: 0, max: 3 }) })
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 6 }),
        kinds,
        fc.boolean(),
        fc.boolean(),
        fc.array(item, { minLength: 1, maxLength: 20, size: 'max' }),
        (capacity, overflow, runs, weighs, items) => {
          const priority = (value: { priority: number }): number => value.priority
          const channel = new Channel<{ weight: number; priority: number }>({
            capacity,
            overflow: overflow === 'drop-lowest' ? { drop: 'lowest', priority } : overflow,
            ...(weighs && { weight: ({ weight }) => weight }),
          })
          if (runs) channel.consume(() => undefined)
          for (const one of items) {
            const before = channel.stats
            const accepts = channel.accepts(one)
            expect(channel.stats).toEqual(before)
            expect(channel.offer(one)).toBe(accepts ? 'accepted' : 'shed')
          }
          channel.close()
          expect(channel.accepts(items[0]!)).toBe(false)
        },
      ),
    )
  })

  test('is told of room when an item starts, is taken back or expires', async () => {
    const clock = new VirtualClock()
    const seen: boolean[] = []
    const channel: Channel<string> = new Channel<string>({
      capacity: 1,
      ttlMs: 10,
      clock,
      onRoom: () => seen.push(channel.accepts('x')),
    })
    channel.offer('a')
    channel.remove('a', 'cancelled')
    channel.offer('b')
    await clock.advance(10)
    channel.offer('c')
    channel.consume(() => undefined)
    channel.offer('d')
    channel.release('completed')
    channel.drain()
    channel.setCapacity(2)
    expect(seen).toEqual([true, true, true, true, true])
    expect(channel.stats).toMatchObject({ cancelled: 1, expired: 1, completed: 1, running: 1 })
  })
})
