import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { Channel, ChannelClosedError } from '../../operators/index.ts'

describe('items that are held', () => {
  test('wait beside a free slot, are overtaken, and have their place again once they are free', () => {
    const held = new Set(['b', 'c'])
    const channel = new Channel<string>({ capacity: 4, mayStart: (value) => !held.has(value) })
    const started: string[] = []
    channel.consume((value) => started.push(value))
    channel.offer('b')
    channel.offer('c')
    expect(started).toEqual([])
    for (const value of ['a', 'd', 'e']) channel.offer(value)
    expect(started).toEqual(['a'])
    expect(channel.offer('f')).toBe('shed')
    held.delete('c')
    channel.free('c')
    channel.release('completed')
    channel.drain()
    expect(started).toEqual(['a', 'c'])
    expect(channel.stats).toMatchObject({ waiting: 3, running: 1, rejected: 1 })
  })

  test('are freed one by one where they are equal', () => {
    let isHeld = true
    const channel = new Channel<string>({ capacity: 2, mayStart: (value) => value !== 'a' || !isHeld })
    const started: string[] = []
    channel.consume((value) => started.push(value))
    for (const value of ['x', 'a', 'a']) channel.offer(value)
    isHeld = false
    for (let freed = 0; freed < 2; freed++) channel.free('a')
    for (let ended = 0; ended < 2; ended++) {
      channel.release('completed')
      channel.drain()
    }
    expect(started).toEqual(['x', 'a', 'a'])
    expect(channel.size).toBe(0)
  })

  test('are not taken by those who pull, who hear of the end once the last of them has left', async () => {
    const channel = new Channel<string>({ capacity: 2, mayStart: () => false })
    channel.offer('held')
    const told: unknown[] = []
    const take = (): Promise<unknown> => channel.take().catch((error: unknown) => told.push(error))
    const early = take()
    channel.close()
    const late = take()
    await turn()
    expect(told).toEqual([])
    channel.remove('held', 'cancelled')
    await Promise.all([early, late])
    expect(told).toEqual([expect.any(ChannelClosedError), expect.any(ChannelClosedError)])
  })
})
