import { describe, expect, it } from 'vitest'
import { createActor } from 'xstate'
import {
  fromStage,
  type LifeOptions,
  type StageOptions,
  type StageRun,
  StageCrash,
  supervise,
} from '../../actors/public.ts'
import { Channel } from '../../operators/index.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'

type Work = (item: string, run: StageRun<string, number>) => string | Promise<string>

/** A stage actor whose life writes a log: `setup` acquires 1, then 2 …. */
function staged(work: Work, life: LifeOptions<number> = {}, more: Partial<StageOptions<string, string>> = {}) {
  const clock = new VirtualClock()
  const channel = new Channel<string>({ capacity: 10, concurrency: 2 })
  const log: string[] = []
  let acquired = 0
  const options = {
    setup: () => {
      acquired += 1
      log.push(`setup ${acquired}`)
      return acquired
    },
    teardown: (state: number, { reason }: { readonly reason: string }) => {
      log.push(`teardown ${state} ${reason}`)
    },
    ...life,
  }
  const stage = fromStage<string, string, number>(work, {
    channel,
    clock,
    onValue: (value) => log.push(`value ${value}`),
    onError: (error) => log.push(`error ${(error as Error).message}`),
    onTrouble: (trouble) => log.push(`${trouble.type}: ${(trouble.error as Error).message}`),
    ...options,
    ...(more as object),
  })
  const create = () => {
    const actor = createActor(stage, { clock })
    actor.subscribe({
      error: (error) => log.push(`crashed ${(error as Error).message}`),
      complete: () => log.push('done'),
    })
    return actor
  }
  const actor = create()
  const state = (): unknown => {
    const value = actor.getSnapshot().value as string | { readonly up: string }
    return typeof value === 'object' ? value.up : value
  }
  return { clock, channel, log, actor, create, state }
}

const withState: Work = (item, { state }) => `${item}${state}`

describe('setup', () => {
  it('that returns a value has the stage run in the very call that starts it', () => {
    const { channel, log, actor, state } = staged(withState)
    channel.offer('a')
    actor.start()
    expect(log).toEqual(['setup 1', 'value a1'])
    expect(state()).toBe('running')
  })

  it('keeps items waiting until it is done', async () => {
    const ready = Promise.withResolvers<number>()
    const { clock, channel, log, actor, state } = staged(withState, { setup: () => ready.promise })
    actor.start()
    channel.offer('a')
    await clock.settle()
    expect([state(), channel.size, log]).toEqual(['starting', 1, []])
    ready.resolve(7)
    await clock.settle()
    expect([state(), channel.size, log]).toEqual(['running', 0, ['value a7']])
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('no port')
      },
    ],
    ['rejects', () => Promise.reject(new Error('no port'))],
    [
      'gives something whose then throws',
      () => ({
        then: () => {
          throw new Error('no port')
        },
      }),
    ],
  ])('that %s is a crash, and nothing is torn down', async (_, setup) => {
    const { clock, channel, log, actor } = staged(withState, { setup })
    channel.offer('a')
    actor.start()
    await clock.settle()
    expect(log).toEqual(['crashed setup failed: no port'])
    expect([channel.size, clock.pending]).toEqual([1, 0])
  })

  it('that takes too long is a crash; what still comes is torn down', async () => {
    const ready = Promise.withResolvers<number>()
    const signals: AbortSignal[] = []
    const { clock, log, actor } = staged(withState, {
      setup: ({ signal }) => {
        signals.push(signal)
        return ready.promise
      },
      setupTimeoutMs: 100,
    })
    actor.start()
    await clock.advance(99)
    expect([signals[0]!.aborted, log]).toEqual([false, []])
    await clock.advance(1)
    expect([signals[0]!.aborted, log]).toEqual([
      true,
      ['crashed setup was not done within its setupTimeoutMs of 100 ms'],
    ])
    ready.resolve(9)
    await clock.settle()
    expect(log.slice(1)).toEqual(['teardown 9 crash'])
    expect(clock.pending).toBe(0)
  })

  it.each([
    ['drained', 'drain' as const, []],
    ['stopped', 'stop' as const, ['done']],
    ['stopped hard', undefined, ['done']],
  ])('that is under way when the stage is %s', async (_, type, told) => {
    const ready = Promise.withResolvers<number>()
    const signals: AbortSignal[] = []
    const { clock, channel, log, actor } = staged(withState, {
      setup: ({ signal }) => {
        signals.push(signal)
        return ready.promise
      },
      setupTimeoutMs: 1000,
    })
    actor.start()
    channel.offer('a')
    if (type === undefined) actor.stop()
    else actor.send({ type })
    expect(log).toEqual(told)
    expect(signals[0]!.aborted).toBe(type !== 'drain')
    ready.resolve(3)
    await clock.settle()
    expect(log.slice(told.length)).toEqual(
      type === 'drain' ? ['value a3', 'teardown 3 drain', 'done'] : ['teardown 3 stop'],
    )
    expect(clock.pending).toBe(0)
  })
})

describe('teardown', () => {
  it('follows the last item of a drain, and the stage is done after it', async () => {
    const given = Promise.withResolvers<string>()
    const released = Promise.withResolvers<undefined>()
    const { clock, channel, log, actor, state } = staged(() => given.promise, {
      teardown: (held, { reason }) => {
        log.push(`teardown ${held} ${reason}`)
        return released.promise
      },
    })
    actor.start()
    channel.offer('a')
    actor.send({ type: 'drain' })
    expect([log, state()]).toEqual([['setup 1'], 'draining'])
    given.resolve('A')
    await clock.settle()
    expect([log, state()]).toEqual([['setup 1', 'value A', 'teardown 1 drain'], 'stopping'])
    released.resolve(undefined)
    await clock.settle()
    expect([log.slice(3), state(), clock.pending]).toEqual([['done'], 'done', 0])
  })

  it('waits for what runs when the stage is asked to stop, and takes nothing more', async () => {
    const given = Promise.withResolvers<string>()
    const { clock, channel, log, actor, state } = staged(() => given.promise)
    actor.start()
    for (const item of ['a', 'b', 'c']) channel.offer(item)
    actor.send({ type: 'stop' })
    actor.send({ type: 'drain' })
    expect([log, state()]).toEqual([['setup 1'], 'stopping'])
    given.resolve('A')
    await clock.settle()
    expect(log).toEqual(['setup 1', 'value A', 'value A', 'teardown 1 stop', 'done'])
    expect(channel.size).toBe(1)
  })

  it('does not wait when the actor is stopped: what runs is called off and back in the channel', async () => {
    const given = Promise.withResolvers<string>()
    const signals: AbortSignal[] = []
    const { clock, channel, log, actor } = staged((_, { signal }) => {
      signals.push(signal)
      return given.promise
    })
    actor.start()
    channel.offer('a')
    actor.send({ type: 'stop' })
    expect([signals[0]!.aborted, channel.size]).toEqual([false, 0])
    actor.stop()
    expect(log).toEqual(['setup 1', 'teardown 1 stop', 'done'])
    expect([signals[0]!.aborted, channel.size]).toEqual([true, 1])
    expect(signals[0]!.reason).toMatchObject({
      code: 'stage_stopped',
      message: 'the stage was stopped before the handler returned',
    })
    given.resolve('A')
    await clock.settle()
    expect(log).toHaveLength(3)
  })

  it('follows a crash, and the next setup waits for it', async () => {
    const released = Promise.withResolvers<undefined>()
    const life: string[] = []
    const { clock, channel, log, actor, create } = staged(
      (item, { state }) => {
        if (item === 'crash') throw new StageCrash('broken')
        return `${item}${state}`
      },
      {
        teardown: (held, { reason }) => {
          life.push(`teardown ${held} ${reason}`)
          return released.promise
        },
      },
    )
    actor.start()
    channel.offer('crash')
    channel.offer('a')
    expect([log, life]).toEqual([['setup 1', 'error broken', 'crashed broken'], ['teardown 1 crash']])
    create().start()
    await clock.settle()
    expect(log).toHaveLength(3)
    released.resolve(undefined)
    await clock.settle()
    expect(log.slice(3)).toEqual(['setup 2', 'value a2'])
    expect(clock.pending).toBe(0)
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('stuck')
      },
      0,
      'teardown failed: stuck',
    ],
    ['rejects', () => Promise.reject(new Error('stuck')), 0, 'teardown failed: stuck'],
    [
      'hangs',
      () => new Promise<void>(() => undefined),
      50,
      'teardown was not done within its teardownTimeoutMs of 50 ms',
    ],
  ])('that %s is told and holds nothing up', async (_, teardown, ms, message) => {
    const { clock, channel, log, actor, create } = staged(
      (item, { state }) => {
        if (item === 'crash') throw new StageCrash('broken')
        return `${item}${state}`
      },
      { teardown, teardownTimeoutMs: 50 },
    )
    actor.start()
    channel.offer('crash')
    create().start()
    await clock.advance(ms)
    expect(log.filter((line) => line.startsWith('teardown'))).toEqual([`teardown-failed: ${message}`])
    expect(log.at(-1)).toBe('setup 2')
    expect(clock.pending).toBe(0)
  })

  it('has its signal aborted when its time is over, and fails once', async () => {
    const signals: AbortSignal[] = []
    const failing = Promise.withResolvers<undefined>()
    const { clock, log, actor } = staged(withState, {
      teardown: (_, { signal }) => {
        signals.push(signal)
        return failing.promise
      },
    })
    actor.start()
    actor.send({ type: 'stop' })
    await clock.advance(4999)
    expect(signals[0]!.aborted).toBe(false)
    await clock.advance(1)
    expect(signals[0]!.aborted).toBe(true)
    failing.reject(new Error('late'))
    await clock.settle()
    expect(log.filter((line) => line.startsWith('teardown-failed'))).toHaveLength(1)
    expect(log.at(-1)).toBe('done')
  })

  it('runs without a setup, too', () => {
    const { log, actor } = staged(withState, { setup: undefined } as unknown as LifeOptions<number>)
    actor.start()
    actor.send({ type: 'drain' })
    expect(log).toEqual(['teardown undefined drain', 'done'])
  })
})

describe('health', () => {
  it('that fails for good is a crash, and a supervisor starts the stage again with a new state', async () => {
    const clock = new VirtualClock()
    const channel = new Channel<string>({ capacity: 10 })
    const log: string[] = []
    let states = 0
    const stage = fromStage((item: string, { state }) => `${item}${state}`, {
      channel,
      clock,
      setup: () => ++states,
      teardown: (state, { reason }) => {
        log.push(`teardown ${state} ${reason}`)
      },
      health: { check: (state) => state > 1, everyMs: 100, failures: 2 },
      onValue: (value) => log.push(value),
      onTrouble: (trouble) => log.push(trouble.type),
    })
    const root = createActor(supervise([{ id: 'stage', start: stage }], { clock, backoff: () => 10 }), { clock })
    root.on('crashed', ({ error }) => log.push((error as Error).message))
    root.start()
    channel.offer('a')
    await clock.advance(210)
    channel.offer('b')
    await clock.advance(1000)
    expect(log).toEqual([
      'a1',
      'unhealthy',
      'unhealthy',
      'teardown 1 crash',
      'the health check failed 2 times in a row',
      'b2',
    ])
    root.stop()
    expect(log.at(-1)).toBe('teardown 2 stop')
    expect(clock.pending).toBe(0)
  })
})

describe('onCrash', () => {
  it.each([
    ['requeue-once', 1, ['error broken', 'crashed broken']],
    ['fail', 0, ['error broken', 'error broken', 'crashed broken']],
  ] as const)('%s decides about what else was running', (onCrash, waiting, told) => {
    const { channel, log, actor } = staged(
      (item) => {
        if (item === 'crash') throw new StageCrash('broken')
        return new Promise(() => undefined)
      },
      { onCrash, teardown: () => undefined },
    )
    actor.start()
    channel.offer('a')
    channel.offer('crash')
    expect(log.slice(1)).toEqual(told)
    expect(channel.size).toBe(waiting)
  })
})

describe('the options of a life', () => {
  it.each<[object, string]>([
    [{ setup: 1 }, 'setup must be a function, got 1'],
    [{ teardown: 'x' }, 'teardown must be a function, got "x"'],
    [{ setupTimeoutMs: 0 }, 'setupTimeoutMs must be a number from 1 to Infinity, got 0'],
    [{ teardownTimeoutMs: Infinity }, 'teardownTimeoutMs must be a number from 1, and finite, got Infinity'],
    [{ health: {} }, 'health.check must be a function, got undefined'],
    [{ health: { check: () => true, failures: 1.5 } }, 'health.failures must be a whole number from 1'],
    [{ health: { check: () => true, everyMs: 0 } }, 'health.everyMs must be a number from 1'],
    [{ health: { check: () => true, timeoutMs: 0 } }, 'health.timeoutMs must be a number from 1'],
    [{ health: { check: () => true, every: 5 } }, 'health: unknown option "every"; known are check, everyMs'],
    [{ onCrash: 'retry' }, 'onCrash must be one of "requeue-once", "fail", got "retry"'],
    [{ clock: {} }, 'clock must be a Clock'],
    [{ onValeu: () => undefined }, 'fromStage: unknown option "onValeu"; known are channel, onValue'],
    [{ onValue: 'x' }, 'onValue must be a function, got "x"'],
    [{ onTrouble: 1 }, 'onTrouble must be a function, got 1'],
  ])('%j: %s', (options, message) => {
    const channel = new Channel<string>({ capacity: 1 })
    expect(() => fromStage((item: string) => item, { channel, ...options })).toThrow(message)
  })

  it('must be there', () => {
    expect(() => fromStage((item: string) => item, undefined as never)).toThrow(
      'fromStage: options must be an object, got undefined',
    )
  })
})
