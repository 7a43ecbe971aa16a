import { describe, expect, it } from 'vitest'
import { checkLife, type Run, type RunnerOptions, StageCrash, StageRunner } from '../../actors/index.ts'
import { Channel } from '../../operators/index.ts'

interface Job {
  readonly name: string
  readonly result: PromiseWithResolvers<string>
}

function job(name: string): Job {
  return { name, result: Promise.withResolvers<string>() }
}

/** Lets the handlers' promises settle. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await Promise.resolve()
}

/** A runner whose jobs end when the test says so, and everything that it told. */
function bench(
  channelOptions: { readonly capacity?: number; readonly concurrency?: number } = {},
  options: Partial<RunnerOptions<Job, string, Run<Job>>> = {},
) {
  const channel = new Channel<Job>({ capacity: 10, concurrency: 2, ...channelOptions })
  const log: string[] = []
  const runs: Run<Job>[] = []
  const runner = new StageRunner<Job, string>(
    (item, run) => {
      log.push(`start ${item.name}${run.attempt === 1 ? '' : ` (${run.attempt})`}`)
      runs.push(run)
      return item.result.promise
    },
    {
      channel,
      onValue: (value, run) => log.push(`value ${run.item.name} ${value}`),
      onError: (error, run) => log.push(`error ${run.item.name} ${(error as Error).message}`),
      onPutBack: (run) => log.push(`back ${run.item.name}`),
      ...options,
    },
  )
  const begin = () => {
    const epoch = { ended: 'running' as string }
    const subscription = runner.epoch$.subscribe({
      error: (error: unknown) => (epoch.ended = `crashed: ${(error as Error).message}`),
      complete: () => (epoch.ended = 'completed'),
    })
    return { epoch, subscription }
  }
  return { channel, runner, log, runs, begin }
}

const crash = new StageCrash('broken')

describe('StageRunner', () => {
  it('hands on a plain value within the offer itself, and the slot is free before it does', () => {
    const channel = new Channel<number>({ capacity: 0 })
    const values: number[] = []
    const running: number[] = []
    const runner = new StageRunner<number, number>((item) => item * 2, {
      channel,
      onValue: (value) => {
        values.push(value)
        running.push(channel.running)
      },
    })
    runner.epoch$.subscribe()
    expect([1, 2, 3].map((item) => channel.offer(item))).toEqual(['accepted', 'accepted', 'accepted'])
    expect(values).toEqual([2, 4, 6])
    expect(running).toEqual([0, 0, 0])
    expect(channel.stats).toMatchObject({ accepted: 3, completed: 3, running: 0, waiting: 0 })
  })

  it('awaits promises, one for each slot, in order of arrival', async () => {
    const { channel, log, begin } = bench({ concurrency: 2 })
    begin()
    const [a, b, c] = [job('a'), job('b'), job('c')]
    for (const item of [a, b, c]) channel.offer(item)
    expect(log).toEqual(['start a', 'start b'])
    b.result.resolve('B')
    await settle()
    expect(log).toEqual(['start a', 'start b', 'value b B', 'start c'])
    a.result.reject(new Error('no'))
    await settle()
    expect(log.slice(4)).toEqual(['error a no'])
    c.result.resolve('C')
    await settle()
    expect(channel.stats).toMatchObject({ completed: 2, failed: 1, running: 0 })
  })

  it('fails an item whose handler throws, and nobody else', () => {
    const channel = new Channel<number>({ capacity: 1 })
    const errors: unknown[] = []
    const values: number[] = []
    const runner = new StageRunner<number, number>(
      (item) => {
        if (item === 2) throw new RangeError('two')
        return item
      },
      { channel, onValue: (value) => values.push(value), onError: (error) => errors.push(error) },
    )
    runner.epoch$.subscribe()
    for (const item of [1, 2, 3]) channel.offer(item)
    expect(values).toEqual([1, 3])
    expect(errors).toEqual([new RangeError('two')])
    expect(channel.stats).toMatchObject({ completed: 2, failed: 1 })
  })

  it('on a crash fails the culprit, puts the others back before those that wait, and keeps the queue', async () => {
    const { channel, runner, log, runs, begin } = bench({ concurrency: 3 })
    const { epoch } = begin()
    const items = ['a', 'b', 'c', 'd', 'e'].map(job)
    for (const item of items) channel.offer(item)
    items[1]!.result.reject(crash)
    await settle()
    expect(epoch.ended).toBe('crashed: broken')
    expect(log.slice(3)).toEqual(['error b broken', 'back a', 'back c'])
    expect(runs.map((run) => run.signal.aborted)).toEqual([true, false, true])
    expect(channel.stats).toMatchObject({ waiting: 4, running: 0, failed: 1 })
    begin()
    expect(log.slice(6)).toEqual(['start a (2)', 'start c (2)', 'start d'])
    expect(runner.epoch).toBe(2)
  })

  it('ignores what the handlers of the old epoch still give', async () => {
    const { channel, log, begin } = bench()
    begin()
    const [a, b] = [job('a'), job('b')]
    channel.offer(a)
    channel.offer(b)
    const late = a.result.promise
    b.result.reject(crash)
    await settle()
    a.result.resolve('late')
    await late
    await settle()
    expect(log).toEqual(['start a', 'start b', 'error b broken', 'back a'])
    begin()
    await settle()
    expect(log.slice(4)).toEqual(['start a (2)', 'value a late'])
    expect(channel.stats).toMatchObject({ accepted: 2, completed: 1, failed: 1, running: 0, waiting: 0 })
  })

  it('puts an item back once: a second crash fails it', async () => {
    const { channel, log, begin } = bench()
    begin()
    const [victim, first, second] = [job('victim'), job('first'), job('second')]
    channel.offer(victim)
    channel.offer(first)
    first.result.reject(crash)
    await settle()
    begin()
    channel.offer(second)
    second.result.reject(crash)
    await settle()
    expect(log.slice(4)).toEqual(['start victim (2)', 'start second', 'error second broken', 'error victim broken'])
    expect(channel.stats).toMatchObject({ accepted: 3, failed: 3, running: 0, waiting: 0 })
  })

  it('starts nobody else in an epoch whose very first item crashes it', () => {
    const channel = new Channel<string>({ capacity: 5, concurrency: 2 })
    const started: string[] = []
    const runner = new StageRunner<string, string>(
      (item) => {
        started.push(`${item} in ${runner.epoch}`)
        if (item === 'bad') throw crash
        return item
      },
      { channel },
    )
    channel.offer('bad')
    channel.offer('good')
    const errors: unknown[] = []
    runner.epoch$.subscribe({ error: (error: unknown) => errors.push(error) })
    expect(errors).toEqual([crash])
    expect(started).toEqual(['bad in 1'])
    expect(channel.stats).toMatchObject({ waiting: 1, running: 0 })
    runner.epoch$.subscribe()
    expect(started).toEqual(['bad in 1', 'good in 2'])
  })

  it('takes nothing once it is unsubscribed, and puts back what runs, which counts no more', async () => {
    const { channel, log, begin } = bench({ concurrency: 1 })
    const { subscription } = begin()
    const [a, b] = [job('a'), job('b')]
    channel.offer(a)
    channel.offer(b)
    subscription.unsubscribe()
    a.result.resolve('A')
    await settle()
    expect(log).toEqual(['start a', 'back a'])
    expect(channel.size).toBe(2)
    begin()
    await settle()
    expect(log.slice(2)).toEqual(['start a (2)', 'value a A', 'start b'])
  })

  it('fails what was put back before, and what is held, when it is unsubscribed', async () => {
    const { channel, log, begin, runs } = bench({ concurrency: 3 }, { holds: (value) => value === 'hold' })
    const [a, b] = [job('a'), job('b')]
    channel.offer(a)
    begin().subscription.unsubscribe()
    channel.offer(b)
    const { subscription } = begin()
    b.result.resolve('hold')
    await settle()
    subscription.unsubscribe()
    expect(log.slice(2)).toEqual([
      'start a (2)',
      'start b',
      'value b hold',
      'error b the stage was stopped before the handler returned',
      'error a the stage was stopped before the handler returned',
    ])
    expect(runs.map(({ phase }) => phase)).toEqual(['ended', 'ended', 'ended'])
    expect(channel.stats).toMatchObject({ failed: 2, running: 0, waiting: 0 })
  })

  it('completes a drain once nothing waits and nothing runs', async () => {
    const { channel, runner, begin } = bench({ concurrency: 1 })
    const { epoch } = begin()
    const [a, b] = [job('a'), job('b')]
    channel.offer(a)
    channel.offer(b)
    runner.drain()
    a.result.resolve('A')
    await settle()
    expect(epoch.ended).toBe('running')
    b.result.resolve('B')
    await settle()
    expect(epoch.ended).toBe('completed')
  })

  it('completes a drain at once when there is nothing to do, also one that was asked for while it was down', () => {
    const { runner, begin } = bench()
    runner.drain()
    expect(begin().epoch.ended).toBe('completed')
  })

  it('completes a drain when the last item that waits is withdrawn', async () => {
    const { channel, runner, log, begin } = bench({ concurrency: 1 })
    const { epoch } = begin()
    const [a, b] = [job('a'), job('b')]
    channel.offer(a)
    channel.offer(b)
    runner.drain()
    expect(runner.withdraw(b, 'cancelled')).toBe(true)
    expect(runner.withdraw(b, 'cancelled')).toBe(false)
    a.result.resolve('A')
    await settle()
    expect(epoch.ended).toBe('completed')
    expect(log).toEqual(['start a', 'value a A'])
    expect(channel.stats).toMatchObject({ completed: 1, cancelled: 1 })
  })

  it('lets a result keep its slot until it is ended', async () => {
    const { channel, runner, log, runs, begin } = bench({ concurrency: 1 }, { holds: (value) => value === 'hold' })
    begin()
    const [a, b] = [job('a'), job('b')]
    channel.offer(a)
    channel.offer(b)
    a.result.resolve('hold')
    await settle()
    expect(log).toEqual(['start a', 'value a hold'])
    expect(runs[0]?.phase).toBe('held')
    expect([...runner.runs]).toEqual([runs[0]])
    runner.end(runs[0]!, 'completed')
    runner.end(runs[0]!, 'completed')
    expect(log).toEqual(['start a', 'value a hold', 'start b'])
    expect(channel.stats).toMatchObject({ completed: 1, running: 1, waiting: 0 })
  })

  it('fails what was held in a crash', async () => {
    const { channel, log, runs, begin } = bench({}, { holds: (value) => value === 'hold' })
    begin()
    const [a, b] = [job('a'), job('b')]
    channel.offer(a)
    channel.offer(b)
    a.result.resolve('hold')
    await settle()
    b.result.reject(crash)
    await settle()
    expect(log.slice(3)).toEqual(['error b broken', 'error a broken'])
    expect(runs[0]?.phase).toBe('ended')
    expect(channel.stats).toMatchObject({ failed: 2, waiting: 0, running: 0 })
  })

  it('keeps the slot of a handler that was called off until it returns, and counts it as cancelled', async () => {
    const { channel, runner, runs, begin } = bench({ concurrency: 1 })
    begin()
    const a = job('a')
    channel.offer(a)
    runner.callOff(runs[0]!, new Error('not wanted'))
    expect(runs[0]?.signal.reason).toEqual(new Error('not wanted'))
    expect(channel.running).toBe(1)
    a.result.resolve('late')
    await settle()
    expect(channel.stats).toMatchObject({ cancelled: 1, completed: 0, running: 0 })
  })

  it('does not run again what was called off before the crash', async () => {
    const { channel, runner, log, runs, begin } = bench()
    begin()
    const [a, b] = [job('a'), job('b')]
    channel.offer(a)
    channel.offer(b)
    runner.callOff(runs[0]!, 'not wanted')
    b.result.reject(crash)
    await settle()
    expect(channel.stats).toMatchObject({ waiting: 0, running: 0, cancelled: 1, failed: 1 })
    expect(log.slice(2)).toEqual(['error b broken', 'error a broken'])
  })

  it('takes a slot back from a handler that never returns', async () => {
    const { channel, runner, log, runs, begin } = bench({ concurrency: 1 })
    begin()
    const [a, b] = [job('a'), job('b')]
    channel.offer(a)
    channel.offer(b)
    runner.end(runs[0]!, 'cancelled')
    expect(log).toEqual(['start a', 'start b'])
    a.result.resolve('late')
    await settle()
    expect(log).toEqual(['start a', 'start b'])
    expect(channel.stats).toMatchObject({ cancelled: 1, running: 1 })
  })

  it('refuses a handler that is none', () => {
    expect(() => new StageRunner('no' as never, { channel: new Channel({ capacity: 1 }) })).toThrow(
      'handler must be a function, got "no"',
    )
  })

  it('that is stopped from within its own setup takes nothing, and tears down what that returns', () => {
    const channel = new Channel<string>({ capacity: 1 })
    const log: string[] = []
    const life = checkLife({
      setup: () => {
        runner.stop()
        return 5
      },
      teardown: (state: number, { reason }) => {
        log.push(`teardown ${state} ${reason}`)
      },
    })
    const runner = new StageRunner<string, string>((item) => item, { channel, life, onValue: (v) => log.push(v) })
    channel.offer('a')
    runner.epoch$.subscribe({ error: expect.unreachable, complete: () => log.push('complete') })
    expect(log).toEqual(['complete', 'teardown 5 stop'])
    expect(channel.size).toBe(1)
  })
})
