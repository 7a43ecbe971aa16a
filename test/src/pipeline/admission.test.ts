import { describe, expect, it } from 'vitest'
import { pipeline, ShedError } from '../../../src/index.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { gatedHandler } from './gated-handler.ts'

function reasons(replies: readonly { readonly settled: unknown }[]): unknown[] {
  return replies.map(({ settled }) => settled)
}

describe("admission 'door'", () => {
  it('lets in what has a place in every channel on the way, and turns the rest away before any work', () => {
    let worked = 0
    const slow = gatedHandler<string>()
    const running = pipeline<string>('p')
      .stage(
        'fast',
        (text) => {
          worked += 1
          return text
        },
        { capacity: 10 },
      )
      .stage('slow', slow.handler, { capacity: 2, concurrency: 2 })
      .start({ clock: new VirtualClock() })
    const replies = Array.from({ length: 6 }, (_, index) => running.submit(String(index)))
    expect(reasons(replies.slice(0, 4))).toEqual([undefined, undefined, undefined, undefined])
    for (const reply of replies.slice(4)) {
      expect(reply.settled).toMatchObject({ kind: 'shed', stage: 'slow', reason: 'door' })
    }
    expect(worked).toBe(4)
    expect(running.stages.slow).toMatchObject({ queueDepth: 2, running: 2, shed: 2 })
    expect(running.ledger()).toMatchObject({ submitted: 6, shed: 2, inFlight: 4 })
  })

  it('counts those on their way: a place is reserved until it is reached', async () => {
    const [first, second] = [gatedHandler<string>(), gatedHandler<string>()]
    const clock = new VirtualClock()
    const running = pipeline<string>('p')
      .stage('first', first.handler, { capacity: 10, concurrency: 10 })
      .stage('second', second.handler, { capacity: 1, concurrency: 1 })
      .start({ clock })
    running.submit('a')
    running.submit('b')
    expect(running.submit('c').settled).toMatchObject({ kind: 'shed', stage: 'second', reason: 'door' })
    // As soon as one of them has ended anywhere, its place is free again.
    first.runs[0]!.reject(new Error('no'))
    await clock.settle()
    expect(running.submit('d').settled).toBeUndefined()
  })

  it('gives back the places of a request that is cancelled on its way', () => {
    const first = gatedHandler<string>()
    const running = pipeline<string>('p')
      .stage('first', first.handler, { capacity: 10 })
      .stage('second', (text) => text, { capacity: 0, concurrency: 1 })
      .start({ clock: new VirtualClock() })
    const reply = running.submit('a')
    expect(running.submit('b').settled).toMatchObject({ kind: 'shed', stage: 'second' })
    reply.cancel()
    expect(running.submit('c').settled).toBeUndefined()
  })
})

describe("admission 'stage'", () => {
  it('lets each channel decide when the request arrives', () => {
    let worked = 0
    const slow = gatedHandler<string>()
    const running = pipeline<string>('p')
      .stage(
        'fast',
        (text) => {
          worked += 1
          return text
        },
        { capacity: 10 },
      )
      .stage('slow', slow.handler, { capacity: 1 })
      .start({ clock: new VirtualClock(), admission: 'stage' })
    const replies = ['a', 'b', 'c'].map((text) => running.submit(text))
    expect(worked).toBe(3)
    expect(replies[2]?.settled).toMatchObject({ kind: 'shed', stage: 'slow', reason: 'full' })
  })

  it('puts out the oldest that waits where the channel says so', () => {
    const slow = gatedHandler<string>()
    const running = pipeline<string>('p')
      .stage('slow', slow.handler, { capacity: 1, overflow: 'drop-oldest' })
      .start({ clock: new VirtualClock(), admission: 'stage' })
    const replies = ['a', 'b', 'c'].map((text) => running.submit(text))
    expect(replies[0]?.settled).toBeUndefined()
    expect(replies[1]?.settled).toMatchObject({ kind: 'shed', stage: 'slow', reason: 'evicted' })
    expect(replies[2]?.settled).toBeUndefined()
  })
})

describe('retryAfterMs', () => {
  it('is what waits and one more, for its share of the mean service time, between 100 ms and a minute', async () => {
    const clock = new VirtualClock()
    const slow = gatedHandler<string>()
    const running = pipeline<string>('p').stage('slow', slow.handler, { capacity: 3, concurrency: 2 }).start({ clock })
    const fill = () => Array.from({ length: 6 }, () => running.submit('x')).at(-1)!
    expect(fill().settled).toMatchObject({ kind: 'shed', retryAfterMs: 100 })
    await clock.advance(1000)
    slow.runs[0]!.resolve('x')
    slow.runs[1]!.resolve('x')
    await clock.settle()
    // Mean 1,000 ms, three wait, two slots.
    expect(fill().settled).toMatchObject({ kind: 'shed', retryAfterMs: 2000 })
    await clock.advance(1_000_000)
    for (const run of slow.runs) run.resolve('x')
    await clock.settle()
    expect(fill().settled).toMatchObject({ kind: 'shed', retryAfterMs: 60_000 })
  })

  it('reaches the caller with the error', () => {
    const running = pipeline<string>('p')
      .stage('none', () => new Promise<string>(() => undefined), { capacity: 0 })
      .start({ clock: new VirtualClock() })
    running.submit('a')
    const errors: unknown[] = []
    running.submit('b').output$.subscribe({ error: (error: unknown) => errors.push(error) })
    expect(errors[0]).toBeInstanceOf(ShedError)
    expect(errors[0]).toMatchObject({ code: 'shed', stage: 'none', reason: 'door', retryAfterMs: 100 })
  })
})

describe('scale', () => {
  it.each([
    [10, 2, 20],
    [10, 0.25, 3],
    [10, 0.001, 1],
  ])('makes a capacity of %i with a scale of %f one of %i', (capacity, scale, expected) => {
    const running = pipeline<string>('p')
      .stage('one', (text) => text, { capacity })
      .start({ clock: new VirtualClock(), scale })
    expect(running.stages.one.capacity).toBe(expected)
  })
})

describe('a bad deadline', () => {
  it.each([
    [0, '0'],
    [-1, '-1'],
    [NaN, 'NaN'],
    ['5', '"5"'],
    [null, 'null'],
  ])('of %s is the failure of its request alone', (deadlineMs, shown) => {
    const running = pipeline<{ readonly deadlineMs: unknown }>('p')
      .stage('one', () => 'done', { capacity: 1 })
      .start({ clock: new VirtualClock() })
    const { settled } = running.submit({ deadlineMs })
    expect(settled).toMatchObject({ kind: 'failed', error: expect.any(RangeError) as unknown })
    expect(String((settled as { readonly error: unknown }).error)).toBe(
      `RangeError: deadlineMs must be a number of milliseconds, more than 0, got ${shown}`,
    )
    expect(running.ledger()).toMatchObject({ submitted: 1, failed: 1, inFlight: 0 })
  })

  it('is not one that is absent or endless', () => {
    const running = pipeline<{ readonly deadlineMs?: number | undefined }>('p')
      .stage('one', () => 'done', { capacity: 1 })
      .start({ clock: new VirtualClock() })
    for (const request of [{}, { deadlineMs: undefined }, { deadlineMs: Infinity }]) {
      expect(running.submit(request).settled).toMatchObject({ kind: 'completed', value: 'done' })
    }
  })
})
