import fc from 'fast-check'
import { expect, test } from 'vitest'
import { VirtualClock } from '../../src/testing/index.ts'
import { KeyedChannel } from '../../operators/keyed-channel.ts'
import { LaneItem } from '../../operators/lane.ts'
import { collectGarbage } from '../integration/resident-memory.ts'
import { scaled } from '../effort.ts'
import { anyKeyedLimits, PlainKeyed } from './plain-keyed.ts'

type Step =
  | { readonly kind: 'arrive'; readonly key: number }
  | { readonly kind: 'end'; readonly which: number }
  | { readonly kind: 'advance'; readonly ms: number }
  | { readonly kind: 'discard' }

const anySteps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ kind: fc.constant('arrive' as const), key: fc.nat({ max: 3 }) }) },
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('end' as const), which: fc.nat() }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 8 }) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('discard' as const) }) },
  ),
  { maxLength: 60, size: 'max' },
)

test('does what a plain array of all that waits does', async () => {
  await fc.assert(
    fc.asyncProperty(anyKeyedLimits, anySteps, async (limits, steps) => {
      const clock = new VirtualClock()
      const log: string[] = []
      const items: LaneItem<{ item: number; key: number }>[] = []
      const plain = new PlainKeyed(limits)
      const channel = new KeyedChannel<{ item: number; key: number }>(
        { ...limits, key: ({ key }) => key, clock },
        ({ value }, reason) => log.push(`${reason} ${value.item}`),
      )
      channel.consume(({ value }) => log.push(`start ${value.item}`))
      for (const step of steps) {
        if (step.kind === 'arrive') {
          const item = items.length
          items.push(new LaneItem({ item, key: step.key }, clock.now()))
          expect(channel.offer(items[item]!)).toBe(plain.arrive(item, step.key, clock.now()))
        } else if (step.kind === 'advance') {
          await clock.advance(step.ms)
          plain.expire(clock.now())
        } else if (step.kind === 'discard') {
          const discarded = channel.discard()
          log.push(...discarded.map(({ value }) => `discarded ${value.item}`))
          plain.discard()
        } else if (plain.running.length > 0) {
          const { item } = plain.running[step.which % plain.running.length]!
          plain.end(item, clock.now())
          channel.release('completed', items[item]!)
          channel.drain()
        }
        expect(log).toEqual(plain.log)
        expect(channel.size).toBe(plain.waiting.length)
        expect(channel.running).toBe(plain.running.length)
        expect(channel.keys, 'a lane for each key of which something waits or runs').toBe(plain.keys)
        expect(channel.idle).toBe(plain.keys === 0)
        expect(channel.closed).toBe(plain.closed)
        expect(clock.pending, 'timers').toBe(limits.ttlMs !== Infinity && plain.waiting.length > 0 ? 1 : 0)
      }
    }),
    { numRuns: scaled(600) },
  )
})

test('asks the clock only where there is a time to live', () => {
  const clock = new VirtualClock()
  clock.now = () => {
    throw new Error('was asked')
  }
  const channel = new KeyedChannel<string>({ key: (value) => value, perKeyCapacity: 1, clock }, () => undefined)
  channel.consume(() => undefined)
  for (let i = 0; i < 3; i++) channel.offer(new LaneItem('a', 0))
  expect(channel.size).toBe(1)
})

test('discards what has a slot and has not started, and frees the slot', () => {
  const started: LaneItem<string>[] = []
  const channel = new KeyedChannel<string>(
    { key: (value) => value, perKeyCapacity: 2, concurrency: 1 },
    () => undefined,
  )
  channel.consume((item) => started.push(item))
  const [first, second, third] = [new LaneItem('a', 0), new LaneItem('b', 0), new LaneItem('c', 0)]
  for (const item of [first, second, third]) channel.offer(item)
  channel.release('completed', first)
  expect(channel.running).toBe(1)
  expect(channel.discard()).toEqual([second, third])
  expect([channel.running, channel.size, channel.keys]).toEqual([0, 0, 0])
  channel.drain()
  channel.offer(first)
  expect(started).toEqual([first, first])
})

test('lets what has expired give up its place also while the timer is late', () => {
  const lost: string[] = []
  let now = 0
  const clock = { now: () => now, wallTime: () => now, setTimeout: () => 1, clearTimeout: () => undefined }
  const channel = new KeyedChannel<string>(
    { key: () => 'same', perKeyCapacity: 1, concurrency: 1, ttlMs: 10, clock },
    ({ value }, reason) => lost.push(`${reason} ${value}`),
  )
  channel.consume(() => undefined)
  for (const value of ['runs', 'waits', 'is shed']) channel.offer(new LaneItem(value, 0))
  now = 10
  expect(channel.offer(new LaneItem('has room', 0))).toBe('accepted')
  expect(lost).toEqual(['full is shed', 'expired waits'])
})

test('keeps nothing of 100,000 keys that came and went', () => {
  const started: LaneItem<object>[] = []
  const channel = new KeyedChannel<object>(
    { key: (value) => value, perKeyCapacity: 2, concurrency: 8 },
    () => undefined,
  )
  channel.consume((item) => started.push(item))
  let most = 0
  const pour = (count: number): void => {
    for (let i = 0; i < count; i++) {
      const key = { text: `key ${i}` }
      for (let j = 0; j < 3; j++) channel.offer(new LaneItem(key, 0))
      most = Math.max(most, channel.keys)
      // Half of them are left waiting now and then, so that lanes also live for a while.
      while (started.length > (i % 16 === 0 ? 0 : 8)) {
        channel.release('completed', started.shift()!)
        channel.drain()
      }
    }
    while (started.length > 0) {
      channel.release('completed', started.shift()!)
      channel.drain()
    }
    expect(channel.keys).toBe(0)
    expect(channel.idle).toBe(true)
  }
  pour(5_000)
  collectGarbage()
  const before = process.memoryUsage().heapUsed
  pour(scaled(100_000))
  collectGarbage()
  const grownMb = (process.memoryUsage().heapUsed - before) / 1e6
  expect(most).toBeLessThan(64)
  // 100,000 lanes with their keys would be 20 MB.
  expect(grownMb).toBeLessThan(4)
})
