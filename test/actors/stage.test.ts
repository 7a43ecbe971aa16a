import { describe, expect, it, vi } from 'vitest'
import { createActor, createMachine } from 'xstate'
import { fromStage, StageCrash, supervise } from '../../actors/index.ts'
import type { StageRun } from '../../actors/public.ts'
import { Channel } from '../../operators/index.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'

async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await Promise.resolve()
}

function started(handler: (item: string) => string | Promise<string>, concurrency = 1) {
  const channel = new Channel<string>({ capacity: 10, concurrency })
  const told: string[] = []
  const actor = createActor(
    fromStage(handler, {
      channel,
      onValue: (value) => told.push(value),
      onError: (error) => told.push((error as Error).message),
    }),
  )
  const ends: string[] = []
  actor.subscribe({
    error: (error) => ends.push(`error ${(error as Error).message}`),
    complete: () => ends.push('complete'),
  })
  actor.start()
  return { channel, told, actor, ends }
}

describe('fromStage', () => {
  it('runs what its channel brings, without an event for each', () => {
    const { channel, told, actor } = started((item) => item.toUpperCase())
    let snapshots = 0
    actor.subscribe(() => (snapshots += 1))
    for (const item of ['a', 'b', 'c']) channel.offer(item)
    expect(told).toEqual(['A', 'B', 'C'])
    expect(snapshots).toBe(0)
    expect(actor.getSnapshot().matches({ up: 'running' })).toBe(true)
  })

  it('drains: what waits is still run, then it is done', async () => {
    const first = Promise.withResolvers<string>()
    const { channel, told, actor, ends } = started((item) => (item === 'a' ? first.promise : item))
    channel.offer('a')
    channel.offer('b')
    actor.send({ type: 'drain' })
    expect(actor.getSnapshot().matches({ up: 'draining' })).toBe(true)
    expect(ends).toEqual([])
    first.resolve('A')
    await settle()
    expect(told).toEqual(['A', 'b'])
    expect(ends).toEqual(['complete'])
    expect(actor.getSnapshot().status).toBe('done')
  })

  it.each<[string, (channel: Channel<string>) => unknown]>([
    ['discarded', (channel) => channel.discard()],
    ['removed', (channel) => channel.remove('a', 'cancelled')],
    ['evicted', (channel) => channel.offer('b')],
    ['taken', (channel) => channel.take()],
  ])('forgets what a crash put back once it is %s: an equal item is a first attempt', async (_, lose) => {
    const channel = new Channel<string>({ capacity: 1, concurrency: 2, overflow: 'drop-oldest' })
    const attempts: string[] = []
    const handler = (item: string, { attempt }: StageRun<string>): Promise<string> => {
      attempts.push(`${item} ${attempt}`)
      if (item === 'crash') throw new StageCrash('broken')
      return new Promise(() => undefined)
    }
    const clock = new VirtualClock()
    const stage = supervise([{ id: 'stage', start: fromStage(handler, { channel }) }], { clock, backoff: () => 10 })
    createActor(stage).start()
    channel.offer('a')
    channel.offer('crash')
    await lose(channel)
    await clock.advance(10)
    channel.offer('a')
    expect(attempts.filter((line) => line !== 'b 1')).toEqual(['a 1', 'crash 1', 'a 1'])
  })

  it('drains no longer than its owner waits: a stop ends the drain, and what waits stays in the channel', async () => {
    const channel = new Channel<string>({ capacity: 10 })
    const clock = new VirtualClock()
    const stage = fromStage(() => new Promise<string>(() => undefined), { channel, clock })
    const root = createActor(supervise([{ id: 'stage', start: stage, shutdownTimeoutMs: 50 }], { clock }))
    root.start()
    channel.offer('a')
    channel.offer('b')
    const { children } = root.getSnapshot() as { children: { stage: { send: (event: object) => void } } }
    children.stage.send({ type: 'drain' })
    await clock.advance(1_000)
    root.send({ type: 'stop' })
    await clock.advance(50)
    expect([root.getSnapshot().status, channel.discard()]).toEqual(['done', ['a', 'b']])
  })

  it('stops when it is told to, once what runs has returned; what waits stays in the channel', async () => {
    const { promise, resolve } = Promise.withResolvers<string>()
    const { channel, actor, ends, told } = started(() => promise)
    channel.offer('a')
    channel.offer('b')
    actor.send({ type: 'stop' })
    expect(ends).toEqual([])
    resolve('A')
    await settle()
    expect([told, ends]).toEqual([['A'], ['complete']])
    expect(channel.size).toBe(1)
    channel.offer('c')
    expect(channel.size).toBe(2)
  })

  it('can be started again when its actor has ended, also by a drain, but not twice at once', () => {
    const channel = new Channel<string>({ capacity: 10 })
    const told: string[] = []
    const logic = fromStage((item: string) => item, { channel, onValue: (value) => told.push(value) })
    const first = createActor(logic).start()
    first.send({ type: 'drain' })
    const second = createActor(logic).start()
    channel.offer('a')
    expect(told).toEqual(['a'])
    const errors: unknown[] = []
    const third = createActor(logic)
    third.subscribe({ error: (error: unknown) => errors.push(error) })
    third.start()
    expect(errors).toMatchObject([{ message: expect.stringContaining('this stage runs already') as string }])
    channel.offer('b')
    expect(told).toEqual(['a', 'b'])
    second.stop()
  })

  it('ends with the StageCrash of its handler, and takes nothing any more', () => {
    const { channel, told, ends } = started(() => {
      throw new StageCrash('broken')
    })
    channel.offer('a')
    channel.offer('b')
    expect(told).toEqual(['broken'])
    expect(ends).toEqual(['error broken'])
    expect(channel.size).toBe(1)
  })

  it('pauses and resumes, also while it is starting, and drains while it is paused', async () => {
    const ready = Promise.withResolvers<number>()
    const channel = new Channel<string>({ capacity: 10 })
    const log: string[] = []
    const logic = fromStage((item: string, { state }) => `${item}${state}`, {
      channel,
      setup: () => ready.promise,
      teardown: (state, { reason }) => {
        log.push(`teardown ${state} ${reason}`)
      },
      onValue: (value) => log.push(value),
    })
    const actor = createActor(logic)
    actor.start()
    actor.send({ type: 'pause' })
    channel.offer('a')
    ready.resolve(1)
    await settle()
    expect([actor.getSnapshot().value, log]).toEqual([{ up: 'paused' }, []])
    actor.send({ type: 'resume' })
    expect([actor.getSnapshot().value, log]).toEqual([{ up: 'running' }, ['a1']])
    actor.send({ type: 'pause' })
    channel.offer('b')
    actor.send({ type: 'drain' })
    await settle()
    expect([actor.getSnapshot().value, log]).toEqual(['done', ['a1', 'b1', 'teardown 1 drain']])
  })
})

it('may crash within an action of a machine of the user: XState has nothing to warn of', () => {
  const warn = vi.spyOn(console, 'warn').mockReturnValue()
  const clock = new VirtualClock()
  const channel = new Channel<string>({ capacity: 1 })
  const stage = fromStage<string, string>(
    () => {
      throw new StageCrash('broken')
    },
    { channel },
  )
  const root = createActor(supervise([{ id: 'stage', start: stage }], { clock, maxRestarts: 1 }), { clock })
  const told: string[] = []
  root.on('*', ({ type }) => told.push(type))
  root.start()
  const user = createMachine({
    on: {
      ask: {
        actions: () => {
          channel.offer('a')
        },
      },
    },
  })
  createActor(user).start().send({ type: 'ask' })
  expect(told).toEqual(['started', 'crashed'])
  expect(warn.mock.calls).toEqual([])
  warn.mockRestore()
  root.stop()
})
