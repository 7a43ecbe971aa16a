import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { pipeline } from '../../../src/index.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'

const error = new Error('not my promise')

const thenables: readonly (readonly [string, () => PromiseLike<string>])[] = [
  [
    'whose then throws',
    () => ({
      then: () => {
        throw error
      },
    }),
  ],
  [
    'whose then cannot be read',
    () => ({
      get then(): never {
        throw error
      },
    }),
  ],
]

const rejections: unknown[] = []
const onRejection = (rejection: unknown): void => {
  rejections.push(rejection)
}

beforeEach(() => {
  rejections.length = 0
  process.on('unhandledRejection', onRejection)
})

afterEach(() => {
  process.off('unhandledRejection', onRejection)
})

describe('a handler that returns a thenable', () => {
  it.each(thenables)('%s fails its request alone, and its slot is free', async (_, make) => {
    const running = pipeline<string>('p')
      .stage('one', (text) => (text === 'bad' ? make() : text), { capacity: 1 })
      .start({ clock: new VirtualClock() })
    const reply = running.submit('bad')
    expect(reply.settled).toMatchObject({ kind: 'failed', stage: 'one', error })
    expect(running.stages.one).toMatchObject({ running: 0, queueDepth: 0, state: 'running' })
    expect(running.submit('good').settled).toMatchObject({ kind: 'completed', value: 'good' })
    expect(running.ledger()).toMatchObject({ submitted: 2, completed: 1, failed: 1, inFlight: 0 })
    expect(await running.drain()).toMatchObject({ inFlight: 0 })
  })

  it.each(thenables)('%s after an asynchronous stage leaves no rejection behind', async (_, make) => {
    const clock = new VirtualClock()
    const running = pipeline<string>('p')
      .stage('first', (text) => Promise.resolve(text), { capacity: 1 })
      .stage('second', make, { capacity: 1 })
      .start({ clock })
    const reply = running.submit('a')
    await clock.settle()
    expect(reply.settled).toMatchObject({ kind: 'failed', stage: 'second', error })
    expect(running.stages.first.running).toBe(0)
    expect(running.stages.second.running).toBe(0)
    await clock.settle()
    expect(rejections).toEqual([])
  })

  it('that resolves and then throws has given its value', () => {
    const running = pipeline<string>('p')
      .stage(
        'one',
        (text): PromiseLike<string> => ({
          then: (onFulfilled) => {
            onFulfilled?.(text)
            throw error
          },
        }),
        { capacity: 1 },
      )
      .start({ clock: new VirtualClock() })
    expect(running.submit('a').settled).toMatchObject({ kind: 'completed', value: 'a' })
    expect(running.ledger()).toMatchObject({ submitted: 1, completed: 1, inFlight: 0 })
    expect(running.stages.one.running).toBe(0)
  })
})
