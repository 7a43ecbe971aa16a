import { config } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { StageCrash, StageRunner } from '../../actors/index.ts'
import { Channel } from '../../operators/index.ts'

const crash = new StageCrash('broken')

describe('StageRunner, for whoever gives it functions', () => {
  it('takes a value for a promise only if it has a method then', () => {
    const results = [null, undefined, { then: 1 }, {}, 'text', Object.assign(() => 1, { then: 1 })]
    const channel = new Channel<unknown>({ capacity: 0 })
    const values: unknown[] = []
    const runner = new StageRunner<unknown, unknown>((item) => item, {
      channel,
      onValue: (value) => values.push(value),
    })
    runner.epoch$.subscribe()
    for (const result of results) channel.offer(result)
    expect(values).toEqual(results)
  })

  it('crashes though nobody is told, once for each epoch', async () => {
    const channel = new Channel<string>({ capacity: 2, concurrency: 2 })
    const never = new Promise<never>(() => undefined)
    const runner = new StageRunner<string, string>(() => never, { channel })
    runner.crash(crash)
    const errors: unknown[] = []
    runner.epoch$.subscribe({ error: (error: unknown) => errors.push(error) })
    channel.offer('a')
    runner.crash(crash)
    runner.crash(crash)
    expect(errors).toEqual([crash])
    expect(channel.stats).toMatchObject({ waiting: 1, running: 0 })
  })

  it('reports what those who are told throw as unhandled, and goes on', async () => {
    const unhandled: unknown[] = []
    config.onUnhandledError = (error) => unhandled.push(error)
    const channel = new Channel<number>({ capacity: 0 })
    const error = new Error('theirs')
    const runner = new StageRunner<number, number>((item) => item, {
      channel,
      onValue: () => {
        throw error
      },
    })
    runner.epoch$.subscribe()
    channel.offer(1)
    channel.offer(2)
    await new Promise((resolve) => setTimeout(resolve))
    config.onUnhandledError = null
    expect(unhandled).toEqual([error, error])
    expect(channel.stats).toMatchObject({ completed: 2, running: 0 })
  })

  it('puts back all that a crash does, though whoever is told of it throws', async () => {
    const unhandled: unknown[] = []
    config.onUnhandledError = (error) => unhandled.push(error)
    const channel = new Channel<string>({ capacity: 2, concurrency: 2 })
    const never = new Promise<never>(() => undefined)
    const error = new Error('theirs')
    const runner = new StageRunner<string, string>(() => never, {
      channel,
      onPutBack: () => {
        throw error
      },
    })
    const errors: unknown[] = []
    runner.epoch$.subscribe({ error: (told: unknown) => errors.push(told) })
    channel.offer('a')
    channel.offer('b')
    runner.crash(crash)
    await new Promise((resolve) => setTimeout(resolve))
    config.onUnhandledError = null
    expect(errors).toEqual([crash])
    expect(channel.stats).toMatchObject({ waiting: 2, running: 0 })
    expect(unhandled).toEqual([error, error])
  })

  it('refuses what is no channel', () => {
    const create = (): unknown => new StageRunner(() => 1, { channel: {} as never })
    expect(create).toThrow(
      'channel must be a Channel, got an object without consume, detach, release, drain, remove, requeue',
    )
  })
})
