import { describe, expect, test } from 'vitest'
import { Channel, OverflowError } from '../../operators/index.ts'

test('tells its limits, and whether anything waits or runs', () => {
  const channel = new Channel<number>({ capacity: 3, concurrency: 2 })
  expect([channel.capacity, channel.concurrency, channel.idle]).toEqual([3, 2, true])
  channel.setCapacity(4)
  channel.setConcurrency(5)
  expect([channel.capacity, channel.concurrency]).toEqual([4, 5])
  channel.offer(1)
  expect([channel.size, channel.running, channel.idle]).toEqual([1, 0, false])
  channel.consume(() => undefined)
  expect([channel.size, channel.running, channel.idle]).toEqual([0, 1, false])
})

test('says what is wrong in its own words', async () => {
  const channel = new Channel<number>({ capacity: 2, maxSenders: 1, weight: Number })
  // Not toThrow, which is content with a rejection without any reason.
  const error = (message: string): Error => expect.objectContaining({ message }) as Error
  await expect(channel.send(3)).rejects.toEqual(error('send: an item of weight 3 never fits into the capacity of 2'))
  channel.offer(1)
  const neverFits = error('send: an item of weight 2 never fits into the capacity of 1')
  const waits = expect(channel.send(2)).rejects.toEqual(neverFits)
  await expect(channel.send(2)).rejects.toEqual(error('send: 1 callers wait already, which is maxSenders'))
  channel.setCapacity(1)
  await waits
  expect(channel.stats).toMatchObject({ offered: 4, accepted: 1, rejected: 3, pending: 0 })
  channel.consume(() => undefined)
  expect(() => channel.consume(() => undefined)).toThrow('consume: the channel has a consumer already')
  await channel.send(1)
  const sent = expect(channel.send(1)).rejects.toEqual(error('send: the channel was closed'))
  channel.close()
  await sent
  expect(channel.stats).toMatchObject({ offered: 6, accepted: 2, rejected: 4, pending: 0 })
  await expect(channel.send(1)).rejects.toEqual(error('send: the channel is closed'))
  expect(await channel.take()).toBe(1)
  await expect(channel.take()).rejects.toEqual(error('take: the channel is closed and empty'))
})

test('who takes from a channel that failed by overflow is told so, also once it is closed', async () => {
  const channel = new Channel<number>({ capacity: 1, overflow: 'fail' })
  for (const value of [1, 2]) channel.offer(value)
  channel.close()
  const overflow = new OverflowError('the channel was given more than its capacity of 1')
  await expect(channel.take()).rejects.toEqual(overflow)
  await expect(channel[Symbol.asyncIterator]().next()).rejects.toEqual(overflow)
})

describe('those who wait in send', () => {
  const weight = Number

  test('come in when somebody takes what waits, or all is discarded', () => {
    const channel = new Channel({ capacity: 1 })
    channel.offer(1)
    void channel.send(2)
    void channel.send(3)
    void channel.take()
    expect(channel.stats).toMatchObject({ completed: 1, waiting: 1, pending: 1 })
    expect(channel.discard()).toEqual([2])
    expect(channel.stats).toMatchObject({ discarded: 1, waiting: 1, pending: 0 })
  })

  test('come in when what gave way was heavier than what came', () => {
    const channel = new Channel({ capacity: 3, weight, overflow: 'drop-oldest' })
    channel.offer(3)
    void channel.send(2)
    channel.offer(1)
    expect(channel.stats).toMatchObject({ evicted: 1, waitingWeight: 3, pending: 0 })
  })

  test('keep their places: what is light enough does not pass what waits', () => {
    const channel = new Channel({ capacity: 3, weight })
    channel.offer(2)
    for (const value of [2, 1]) void channel.send(value)
    expect(channel.stats).toMatchObject({ waitingWeight: 2, pending: 2 })
  })

  test('come in when one before them leaves that was too heavy for the room there was', async () => {
    const channel = new Channel({ capacity: 3, weight })
    const controller = new AbortController()
    channel.offer(2)
    const left = channel.send(2, controller)
    void channel.send(1)
    controller.abort('left')
    expect(channel.stats).toMatchObject({ waitingWeight: 3, pending: 0, rejected: 1 })
    await expect(left).rejects.toBe('left')
  })

  test('start in the call that brings them, behind those that own a slot already', () => {
    const channel = new Channel<string>({ capacity: 2, concurrency: 2 })
    const told: string[] = []
    channel.consume((value) => {
      told.push(value)
      if (value !== 'b') return
      channel.offer('c')
      // Only the outermost start would start it now.
      channel.release('completed')
      channel.release('completed')
      channel.offer('d')
      told.push('b returns')
    })
    for (const value of ['x', 'y', 'b']) channel.offer(value)
    channel.release('completed')
    channel.drain()
    expect(told).toEqual(['x', 'y', 'b', 'c', 'd', 'b returns'])
  })

  test('start in the slot that becomes free, where nothing may wait', () => {
    const channel = new Channel<number>({ capacity: 0, maxSenders: Infinity })
    const started: number[] = []
    channel.consume((value) => started.push(value))
    channel.offer(1)
    void channel.send(2)
    channel.release('completed')
    expect(channel.stats).toMatchObject({ running: 1, waiting: 0, pending: 0 })
    channel.drain()
    expect(started).toEqual([1, 2])
  })
})

test.each([NaN, 'high', undefined])('what is given as a weight or a priority must be one: %j', (given) => {
  const give = (): number => given as number
  expect(() => new Channel({ capacity: 1, priority: give }).offer(1)).toThrow('priority must give a number, gave ')
  expect(() => new Channel({ capacity: 1, weight: give }).offer(1)).toThrow(
    'weight must give a finite number above 0, gave ',
  )
  expect(() => new Channel({ capacity: 1, weight: () => Infinity }).offer(1)).toThrow('gave Infinity')
})

test('an item that owns a slot and has not started can be taken back', () => {
  const channel = new Channel<number>({ capacity: 2 })
  const started: number[] = []
  channel.consume((value) => started.push(value))
  for (const value of [1, 2, 3]) channel.offer(value)
  channel.release('completed')
  expect(channel.remove(2, 'cancelled')).toBe(true)
  expect(channel.remove(2, 'cancelled')).toBe(false)
  channel.drain()
  expect(started).toEqual([1, 3])
  expect(channel.stats).toMatchObject({ cancelled: 1, completed: 1, running: 1, waiting: 0 })
})

test('what is put back goes to those who pull', async () => {
  const channel = new Channel<number>({ capacity: 2 })
  const leave = channel.consume(() => undefined)
  channel.offer(1)
  const taken = channel.take()
  leave()
  channel.requeue([1])
  expect(channel.stats).toMatchObject({ completed: 1, running: 0, waiting: 0 })
  expect(await taken).toBe(1)
})

describe('what has expired is no longer in the way, though no timer has told so yet', () => {
  /** A channel whose only place is taken by what expired just now, so that others wait to send. */
  function crowded(senders: readonly number[] = []): Channel<number> {
    let time = 0
    const clock = { now: () => time, wallTime: () => time, setTimeout: () => 0, clearTimeout: () => undefined }
    const channel = new Channel<number>({ capacity: 1, ttlMs: 5, clock })
    channel.offer(1)
    expect([channel.accepts(2), channel.offer(2)]).toEqual([false, 'shed'])
    for (const value of senders) void channel.send(value)
    time = 6
    return channel
  }

  test('of who asks', () => {
    const channel = crowded()
    expect(channel.accepts(3)).toBe(true)
    expect(channel.stats).toMatchObject({ expired: 1, waiting: 0 })
  })

  test('of who offers', () => {
    const channel = crowded()
    expect(channel.offer(3)).toBe('accepted')
    expect(channel.stats).toMatchObject({ expired: 1, waiting: 1, rejected: 1 })
  })

  test('of who waits to send, which is before who offers', () => {
    const channel = crowded([3])
    expect(channel.offer(4)).toBe('shed')
    expect(channel.stats).toMatchObject({ expired: 1, waiting: 1, pending: 0, rejected: 2 })
  })

  test('of who sends', async () => {
    const channel = crowded()
    await channel.send(3)
    expect(channel.stats).toMatchObject({ expired: 1, waiting: 1, rejected: 1 })
  })

  test('of who takes', async () => {
    const channel = crowded()
    const taken = channel.take()
    expect(channel.stats).toMatchObject({ expired: 1, waiting: 0, completed: 0 })
    channel.offer(3)
    expect(await taken).toBe(3)
  })
})
