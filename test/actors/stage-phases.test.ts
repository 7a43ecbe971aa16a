import { describe, expect, it } from 'vitest'
import { type StagePhase, StageRunner } from '../../actors/index.ts'
import { Channel } from '../../operators/index.ts'
import { crash, RunnerBench, SlowLife } from './runner-bench.ts'

describe('pause and resume', () => {
  it('tell of each once, and keep what waits waiting', () => {
    const { runner, channel, phases, log, begin } = new RunnerBench()
    begin()
    runner.resume()
    runner.pause()
    runner.pause()
    channel.offer('now')
    expect([phases, log]).toEqual([['starting', 'running', 'paused'], []])
    runner.resume()
    runner.resume()
    expect(phases.slice(3)).toEqual(['running'])
    expect(log).toEqual(['first now undefined'])
  })

  it('are remembered while the stage is down or starting, and told when it is up', async () => {
    const slow = new SlowLife('state', [])
    const { runner, channel, phases, log, begin, clock } = new RunnerBench(slow.life)
    channel.offer('now')
    runner.pause()
    begin()
    runner.resume()
    runner.pause()
    expect(phases).toEqual(['starting'])
    slow.done()
    await clock.settle()
    expect([phases, log]).toEqual([['starting', 'paused'], []])
    runner.crash(crash)
    begin()
    await clock.settle()
    expect(phases.slice(2)).toEqual(['starting', 'paused'])
    runner.resume()
    expect(log.at(-1)).toBe('first now state')
  })

  it('do nothing to a stage that drains: it goes on to its end', async () => {
    const { runner, channel, phases, log, begin, answer } = new RunnerBench()
    begin()
    channel.offer('a')
    runner.drain()
    runner.pause()
    runner.resume()
    channel.offer('now')
    expect(phases).toEqual(['starting', 'running', 'draining'])
    await answer('a')
    expect(log.slice(1)).toEqual(['first now undefined', 'complete'])
  })

  it('end with a drain, which finishes what waits', () => {
    const { runner, channel, phases, log, begin } = new RunnerBench()
    begin()
    runner.pause()
    channel.offer('now')
    runner.drain()
    expect(log).toEqual(['first now undefined', 'complete'])
    expect(phases).toEqual(['starting', 'running', 'paused', 'draining'])
  })

  it('do nothing to a stage that stops, nor does a drain', async () => {
    const world = new RunnerBench({ teardown: () => undefined })
    const { runner, channel, phases, log } = world
    world.begin()
    channel.offer('a')
    runner.stop()
    runner.stop()
    runner.pause()
    runner.resume()
    runner.drain()
    channel.offer('now')
    expect([phases, log]).toEqual([['starting', 'running', 'stopping'], ['first a undefined']])
    await world.answer('a')
    expect(log.slice(1)).toEqual(['complete'])
    expect(channel.size).toBe(1)
  })
})

describe('a stop', () => {
  it('of a stage without runs and teardown is told by its end alone', () => {
    const { runner, phases, begin, log } = new RunnerBench()
    begin()
    runner.stop()
    expect([phases, log]).toEqual([['starting', 'running'], ['complete']])
  })

  it('waits for what runs, but no longer than somebody wants it', async () => {
    const { runner, channel, phases, begin, log, runs, clock } = new RunnerBench()
    begin()
    channel.offer('a')
    channel.offer('b')
    runner.stop()
    expect(phases.at(-1)).toBe('stopping')
    runner.callOff(runs[0]!, 'unwanted')
    expect(log).toEqual(['first a undefined', 'first b undefined'])
    runner.callOff(runs[1]!, 'unwanted')
    await clock.settle()
    expect(log.slice(2)).toEqual([
      'error a the stage was stopped before the handler returned',
      'error b the stage was stopped before the handler returned',
      'complete',
    ])
    expect(channel.stats).toMatchObject({ running: 0, cancelled: 2 })
  })

  it('in the call that calls off its last run ends once', () => {
    const { runner, channel, begin, log, runs } = new RunnerBench({ teardown: () => undefined })
    begin()
    channel.offer('a')
    runner.callOff(runs[0]!, 'unwanted')
    runner.stop()
    expect(log.slice(1)).toEqual(['error a the stage was stopped before the handler returned', 'complete'])
  })
})

describe('an epoch', () => {
  it('is told as its phases, and those of a teardown that lasts as stopping', async () => {
    const released = Promise.withResolvers<undefined>()
    const { runner, phases, begin, clock, log } = new RunnerBench({ teardown: () => released.promise })
    begin()
    runner.drain()
    expect([phases, log]).toEqual([['starting', 'running', 'draining', 'stopping'], []])
    released.resolve(undefined)
    await clock.settle()
    expect(log).toEqual(['complete'])
  })

  it('that is stopped is told as stopping once, however long its teardown lasts', async () => {
    const released = Promise.withResolvers<undefined>()
    const { runner, phases, begin, clock, log } = new RunnerBench({ teardown: () => released.promise })
    begin()
    runner.stop()
    expect([phases, log]).toEqual([['starting', 'running', 'stopping'], []])
    released.resolve(undefined)
    await clock.settle()
    expect(log).toEqual(['complete'])
  })

  it('whose teardown is done at once drains without stopping', () => {
    const { runner, phases, begin } = new RunnerBench({ teardown: () => undefined })
    begin()
    runner.drain()
    expect(phases).toEqual(['starting', 'running', 'draining'])
  })

  it('that begins in the call that tells of a crash goes on', () => {
    const { runner, channel, log, begin } = new RunnerBench()
    runner.epoch$.subscribe({
      error: () => {
        begin()
      },
    })
    runner.crash(crash)
    channel.offer('now')
    expect(log).toEqual(['first now undefined'])
  })

  it('that ends while a teardown is waited for acquires nothing', async () => {
    const released = Promise.withResolvers<undefined>()
    let setups = 0
    const { runner, begin, clock } = new RunnerBench({
      setup: () => {
        setups += 1
        return ''
      },
      teardown: () => released.promise,
    })
    begin()
    runner.crash(crash)
    begin().unsubscribe()
    begin()
    released.resolve(undefined)
    await clock.settle()
    expect(setups).toBe(2)
  })

  it.each<[StagePhase, (runner: StageRunner<string, string>) => void]>([
    ['running', (runner) => runner.stop()],
    ['running', (runner) => runner.pause()],
    ['starting', (runner) => runner.stop()],
  ])('takes nothing when whoever is told %s sees to it', (phase, act) => {
    const channel = new Channel<string>({ capacity: 1 })
    const runner: StageRunner<string, string> = new StageRunner<string, string>((item) => item, {
      channel,
      onPhase: (now) => {
        if (now === phase) act(runner)
      },
    })
    channel.offer('a')
    runner.epoch$.subscribe()
    expect(channel.size).toBe(1)
  })

  it('that was drained while it was starting is done once it is up, though nothing waits any more', async () => {
    const slow = new SlowLife('state', [])
    const { runner, channel, phases, log, begin, clock } = new RunnerBench(slow.life)
    begin()
    channel.offer('a')
    runner.drain()
    runner.withdraw('a', 'cancelled')
    expect(log).toEqual([])
    slow.done()
    await clock.settle()
    expect([phases, log]).toEqual([['starting', 'draining'], ['complete']])
  })

  it('does not begin again where nothing was stopped', () => {
    const { runner, channel, log, begin } = new RunnerBench()
    runner.stop()
    begin()
    channel.offer('now')
    runner.stop()
    begin()
    channel.offer('now 2')
    expect(log).toEqual(['first now undefined', 'complete', 'first now 2 undefined'])
  })
})

describe('a drain', () => {
  it.each<[string, (world: RunnerBench) => Promise<void> | void]>([
    ['fails', ({ fail }) => fail('a', new Error('no'))],
    [
      'is ended from outside',
      ({ runner, runs }) => {
        runner.end(runs[0]!, 'cancelled')
      },
    ],
    ['completes', ({ answer }) => answer('a')],
  ])('is over when its last run %s', async (_, happen) => {
    const world = new RunnerBench()
    world.begin()
    world.channel.offer('a')
    world.runner.drain()
    expect(world.log).toEqual(['first a undefined'])
    await happen(world)
    expect(world.log.at(-1)).toBe('complete')
  })
})

describe('released', () => {
  it('resolves at once where nothing is torn down, and else when the last teardown is done', async () => {
    const released = Promise.withResolvers<undefined>()
    const { runner, begin, clock } = new RunnerBench({ teardown: () => released.promise })
    await runner.released()
    const subscription = begin()
    await runner.released()
    subscription.unsubscribe()
    let done = false
    void runner.released().then(() => (done = true))
    await clock.settle()
    expect(done).toBe(false)
    released.resolve(undefined)
    await clock.settle()
    expect(done).toBe(true)
  })
})
