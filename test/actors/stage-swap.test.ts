import type { Unsubscribable } from 'rxjs'
import { describe, expect, it } from 'vitest'
import type { LifeOptions } from '../../actors/index.ts'
import { crash, RunnerBench, SlowLife } from './runner-bench.ts'

describe('swap', () => {
  it('without a life of its own sends new items to the new handler, with what is held, and lets the old one end', async () => {
    const world = new RunnerBench()
    const { channel, log, runner } = world
    world.begin()
    channel.offer('a')
    const swapped = world.swap()
    channel.offer('b')
    await world.answer('a')
    await world.answer('b')
    expect(swapped.outcome).toBe('swapped')
    expect(log).toEqual(['first a undefined', 'second b undefined'])
    expect([channel.stats.completed, runner.epoch]).toEqual([2, 1])
  })

  it('acquires first, then takes new items with it, and tears down the old when its last run has ended', async () => {
    const world = new RunnerBench()
    const { channel, log, clock } = world
    const second = new SlowLife('new', log)
    world.swap(world.told('old'), 'first')
    world.begin()
    channel.offer('a')
    const swapped = world.swap(second.life)
    channel.offer('now')
    await clock.settle()
    expect([swapped.outcome, log]).toEqual(['pending', ['first a old', 'first now old']])
    second.done()
    await clock.settle()
    channel.offer('now')
    expect([swapped.outcome, log.slice(2)]).toEqual(['swapped', ['second now new']])
    await world.answer('a')
    expect(log.slice(3)).toEqual(['teardown old swap'])
  })

  it('tears down at once what nobody works with any more', () => {
    const world = new RunnerBench()
    world.swap(world.told('old'), 'first')
    world.begin()
    world.swap(world.told('new'))
    expect(world.log).toEqual(['teardown old swap'])
  })

  it('tears down each of several earlier ones when its own last run has ended', async () => {
    const world = new RunnerBench()
    const { channel, log, told } = world
    channel.setConcurrency(4)
    world.swap(told('A'), 'first')
    world.begin()
    channel.offer('a')
    channel.offer('aa')
    world.swap(told('B'))
    channel.offer('b')
    world.swap(told('C'), 'third')
    channel.offer('c')
    expect(log).toEqual(['first a A', 'first aa A', 'second b B', 'third c C'])
    await world.answer('a')
    expect(log.slice(4)).toEqual([])
    await world.answer('b')
    expect(log.slice(4)).toEqual(['teardown B swap'])
    await world.answer('aa')
    expect(log.slice(5)).toEqual(['teardown A swap'])
    await world.answer('c')
    world.runner.stop()
    expect(log.slice(6)).toEqual(['teardown C stop', 'complete'])
  })

  it('whose setup fails leaves the stage with the handler that it had', async () => {
    const world = new RunnerBench()
    const { channel, log, clock } = world
    const second = new SlowLife('never', log)
    world.begin()
    const swapped = world.swap(second.life)
    second.failed()
    await clock.settle()
    channel.offer('now')
    expect(swapped.outcome).toBe('StageSetupError: setup failed: no port')
    expect(log).toEqual(['first now undefined'])
    world.runner.stop()
    expect(log.slice(1)).toEqual(['complete'])
  })

  it.each<[string, string, (world: RunnerBench) => void]>([
    ['is given another handler', 'swap', ({ swap }) => swap()],
    [
      'is given another handler with a life',
      'swap',
      ({ swap, told }) => {
        swap(told('third'))
      },
    ],
    [
      'is stopped',
      'stop',
      ({ runner }) => {
        runner.stop()
      },
    ],
    [
      'is drained',
      'drain',
      ({ runner }) => {
        runner.drain()
      },
    ],
    [
      'crashes',
      'crash',
      ({ runner }) => {
        runner.crash(crash)
      },
    ],
  ])('is called off when the stage %s', async (_, reason, happen) => {
    const world = new RunnerBench()
    const { log, clock } = world
    const second = new SlowLife('late', log)
    world.begin()
    const swapped = world.swap(second.life)
    happen(world)
    await clock.settle()
    expect(swapped.outcome).toBe(`StageSetupError: the swap was called off: ${reason}`)
    expect(second.signals[0]!.aborted).toBe(true)
    expect(second.signals[0]!.reason).toMatchObject({ message: `setup was called off: ${reason}` })
    log.length = 0
    second.done()
    await clock.settle()
    expect(log).toEqual([`teardown late ${reason}`])
  })

  it('that has come about or failed is not called off any more', async () => {
    const world = new RunnerBench()
    const [done, failed] = [new SlowLife('2', world.log), new SlowLife('3', world.log)]
    world.begin()
    const outcomes = [world.swap(done.life)]
    done.done()
    await world.clock.settle()
    outcomes.push(world.swap(failed.life))
    failed.failed()
    await world.clock.settle()
    world.runner.stop()
    await world.clock.settle()
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['swapped', 'StageSetupError: setup failed: no port'])
    expect([done.signals[0]!.aborted, failed.signals[0]!.aborted]).toEqual([false, false])
    expect(world.log).toEqual(['teardown 2 stop', 'complete'])
  })

  it('whose own setup has the stage stopped is torn down as soon as it returns', async () => {
    const world = new RunnerBench()
    world.begin()
    const swapped = world.swap({
      ...world.told('second'),
      setup: () => {
        world.runner.stop()
        return 'second'
      },
    })
    await world.clock.settle()
    expect(swapped.outcome).toBe('StageSetupError: the swap was called off: stop')
    expect(world.log).toEqual(['complete', 'teardown second stop'])
  })

  it('whose own setup has the stage stopped and then throws is called off, and nothing else', async () => {
    const world = new RunnerBench()
    world.begin()
    const swapped = world.swap({
      setup: () => {
        world.runner.stop()
        throw new Error('stopped')
      },
    })
    await world.clock.settle()
    expect(swapped.outcome).toBe('StageSetupError: the swap was called off: stop')
    expect(world.log).toEqual(['complete'])
  })

  it('while the stage is starting begins anew with the new handler, and gives back what still comes', async () => {
    const log: string[] = []
    const first = new SlowLife('old', log)
    const world = new RunnerBench(first.life)
    world.begin()
    world.channel.offer('now')
    const swapped = world.swap(world.told('new'))
    await world.clock.settle()
    expect(swapped.outcome).toBe('swapped')
    expect(first.signals[0]!.aborted).toBe(true)
    expect(world.phases).toEqual(['starting', 'running'])
    expect(world.log).toEqual(['second now new'])
    first.done()
    await world.clock.settle()
    expect(log).toEqual(['teardown old swap'])
    world.runner.stop()
    expect(world.log.slice(1)).toEqual(['teardown new stop', 'complete'])
  })

  it('while the stage is down acquires nothing: the next start does', () => {
    const world = new RunnerBench({ setup: () => expect.unreachable() })
    world.swap(world.told('new'))
    expect(world.log).toEqual([])
    world.channel.offer('now')
    world.begin()
    expect(world.log).toEqual(['second now new'])
  })

  it('while the stage is down is pending until the next start has acquired what it needs', async () => {
    const world = new RunnerBench()
    const second = new SlowLife('new', world.log)
    const swapped = world.swap(second.life)
    world.begin()
    await world.clock.settle()
    expect(swapped.outcome).toBe('pending')
    second.done()
    await world.clock.settle()
    expect(swapped.outcome).toBe('swapped')
    world.channel.offer('now')
    expect(world.log).toEqual(['second now new'])
  })

  it.each(['down', 'starting'])('of a stage that is %s and whose setup fails has it start as it was', async (state) => {
    const log: string[] = []
    const first = new SlowLife('old', log)
    const second = new SlowLife('never', log)
    const world = new RunnerBench(first.life)
    if (state === 'starting') world.begin()
    const swapped = world.swap(second.life)
    if (state === 'down') world.begin()
    second.failed()
    await world.clock.settle()
    expect(swapped.outcome).toBe('StageSetupError: setup failed: no port')
    first.done()
    await world.clock.settle()
    world.channel.offer('now')
    expect([world.log, world.runner.epoch]).toEqual([['first now old'], 1])
    world.runner.crash(crash)
    world.begin()
    await world.clock.settle()
    world.channel.offer('now')
    expect(world.log).toEqual(['first now old', 'crashed broken', 'first now old'])
  })

  it.each<[string, string, (world: RunnerBench) => unknown, string[]]>([
    ['is given another handler', 'swap', ({ swap }) => swap(), ['second now old']],
    ['is given another handler with a life', 'swap', ({ swap, told }) => swap(told('third')), ['second now third']],
    ['crashes', 'crash', ({ runner, begin }) => (runner.crash(crash), begin()), ['crashed broken', 'first now old']],
    ['is stopped', 'stop', ({ runner, begin }) => (runner.stop(), begin()), ['complete', 'first now old']],
  ])('is called off while the stage is starting, when it %s', async (_, reason, happen, told) => {
    const world = new RunnerBench(new RunnerBench().told('old'))
    const late = new SlowLife('late', [])
    world.begin().unsubscribe()
    const swapped = world.swap(late.life, 'never')
    world.begin()
    happen(world)
    await world.clock.settle()
    expect(swapped.outcome).toBe(`StageSetupError: the swap was called off: ${reason}`)
    expect(late.signals[0]!.aborted).toBe(true)
    world.channel.offer('now')
    expect(world.log).toEqual(told)
  })

  it.each(['up', 'down'])('whose setup comes too late in a stage that is %s is torn down as a swap', async (state) => {
    const world = new RunnerBench()
    const second = new SlowLife('late', world.log)
    if (state === 'up') world.begin()
    world.swap({ ...second.life, setupTimeoutMs: 10 })
    if (state === 'down') world.begin()
    await world.clock.advance(10)
    second.done()
    await world.clock.settle()
    expect(world.log).toEqual(['teardown late swap'])
  })

  it('that fails in a stage that is starting has it wait for what is still torn down of an earlier one', async () => {
    const released = Promise.withResolvers<undefined>()
    const late = new SlowLife('late', [])
    const failing = new SlowLife('never', [])
    const log: string[] = []
    const world = new RunnerBench({ setup: () => String(log.push('setup old')) })
    world.swap({ ...late.life, teardown: () => released.promise })
    world.begin()
    world.swap(failing.life)
    late.done()
    await world.clock.settle()
    failing.failed()
    await world.clock.settle()
    expect(log).toEqual([])
    released.resolve(undefined)
    await world.clock.settle()
    expect(log).toEqual(['setup old'])
  })

  it('while the stage ends is called off once it has', async () => {
    const released = Promise.withResolvers<undefined>()
    const world = new RunnerBench({ teardown: () => released.promise })
    world.begin()
    world.runner.drain()
    const swapped = world.swap(world.told('new'))
    released.resolve(undefined)
    await world.clock.settle()
    expect(swapped.outcome).toBe('StageSetupError: the swap was called off: drain')
  })

  it('while the stage waits for a teardown acquires nothing yet', async () => {
    const released = Promise.withResolvers<undefined>()
    const world = new RunnerBench({ setup: () => 'old', teardown: () => released.promise })
    world.begin()
    world.runner.crash(crash)
    world.begin()
    world.swap(world.told('new'))
    world.channel.offer('now')
    expect(world.log).toEqual(['crashed broken'])
    released.resolve(undefined)
    await world.clock.settle()
    expect(world.log).toEqual(['crashed broken', 'second now new'])
  })

  it('asks after the health of what is held now, and no more of what was', async () => {
    const asked: string[] = []
    const life = (state: string): LifeOptions<string> => ({
      setup: () => state,
      health: {
        check: (held) => {
          asked.push(held)
        },
        everyMs: 100,
      },
    })
    const world = new RunnerBench(life('old'))
    world.begin()
    await world.clock.advance(250)
    world.swap(life('new'))
    await world.clock.advance(250)
    expect(asked).toEqual(['old', 'old', 'new', 'new'])
    world.runner.stop()
    expect(world.clock.pending).toBe(0)
  })

  it.each<[string, string, (world: RunnerBench, subscription: Unsubscribable) => void, string[]]>([
    [
      'crashes',
      'crash',
      ({ runner }) => {
        runner.crash(crash)
      },
      ['crashed broken'],
    ],
    [
      'is unsubscribed',
      'stop',
      (_, subscription) => {
        subscription.unsubscribe()
      },
      [],
    ],
  ])('gives back once what earlier handlers work with, too, when the stage %s', async (_, reason, happen, told) => {
    const world = new RunnerBench()
    const { channel, log } = world
    world.swap(world.told('A'), 'first')
    const subscription = world.begin()
    channel.offer('a')
    world.swap(world.told('B'))
    log.length = 0
    happen(world, subscription)
    expect(log).toEqual([`teardown A ${reason}`, `teardown B ${reason}`, ...told])
    log.length = 0
    world.begin()
    world.runner.stop()
    await world.answer('a')
    expect(log.filter((line) => line.startsWith('teardown'))).toEqual(['teardown B stop'])
  })

  it('has a stop wait for the runs of a handler whose life is to be torn down, whatever the present one has', async () => {
    const world = new RunnerBench()
    world.swap(world.told('A'), 'first')
    world.begin()
    world.channel.offer('a')
    world.swap({ setup: () => 'B' })
    world.runner.stop()
    expect(world.phases.at(-1)).toBe('stopping')
    await world.answer('a')
    expect(world.log).toEqual(['first a A', 'teardown A swap', 'complete'])
  })
})
