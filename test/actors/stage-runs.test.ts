import { describe, expect, it } from 'vitest'
import { StageRunner } from '../../actors/index.ts'
import { Channel } from '../../operators/index.ts'
import { crash, RunnerBench } from './runner-bench.ts'

const forever = new Promise<never>(() => undefined)

describe('an item that a crash has put back', () => {
  it.each<[string, (world: RunnerBench) => void]>([
    [
      'withdrawn',
      ({ runner }) => {
        expect(runner.withdraw('a', 'cancelled')).toBe(true)
        expect(runner.withdraw('a', 'cancelled')).toBe(false)
      },
    ],
    [
      'lost',
      ({ channel }) => {
        channel.offer('b')
        expect(channel.remove('b', 'cancelled')).toBe(true)
      },
    ],
  ])('and is %s counts as new when it comes again', (_, happen) => {
    const world = new RunnerBench({}, { capacity: 1 })
    world.begin()
    world.channel.offer('a')
    world.runner.crash(crash)
    happen(world)
    expect(world.channel.size).toBe(0)
    world.channel.offer('a')
    world.begin()
    expect(world.log).toEqual(['first a undefined', 'crashed broken', 'first a undefined'])
  })
})

describe('equal items that a crash has put back', () => {
  it('are each run once more and no oftener', () => {
    const world = new RunnerBench()
    for (let start = 0; start < 3; start++) {
      world.begin()
      if (start === 0) for (const item of ['a', 'a']) world.channel.offer(item)
      world.runner.crash(crash)
    }
    expect(world.runs.map(({ attempt }) => attempt)).toEqual([1, 1, 2, 2])
    expect(world.channel.stats).toMatchObject({ failed: 2, waiting: 0 })
  })
})

describe('a run', () => {
  it('that was called off is not held, whatever it returns', async () => {
    const world = new RunnerBench({}, { holds: true })
    world.begin()
    world.channel.offer('a')
    world.runner.callOff(world.runs[0]!, 'unwanted')
    world.runner.callOff(world.runs[0]!, 'twice')
    expect(world.runs[0]!.signal.reason).toBe('unwanted')
    await world.answer('a')
    expect(world.channel.stats).toMatchObject({ running: 0, cancelled: 1 })
  })

  it('that is held is not called off', async () => {
    const world = new RunnerBench({}, { holds: true })
    world.begin()
    world.channel.offer('now')
    world.runner.callOff(world.runs[0]!, 'unwanted')
    expect([world.runs[0]!.phase, world.runs[0]!.signal.aborted]).toEqual(['held', false])
  })

  it('that is held hears of a crash before it is called off, and one whose handler runs after it is', () => {
    const heard: [string, boolean][] = []
    const channel = new Channel<string>({ capacity: 0, concurrency: 2 })
    const runner = new StageRunner<string, Promise<string> | string>((item) => (item === 'held' ? item : forever), {
      channel,
      onCrash: 'fail',
      holds: (value) => value === 'held',
      onError: (_, { item, signal }) => heard.push([item, signal.aborted]),
    })
    runner.epoch$.subscribe({ error: () => undefined })
    channel.offer('runs')
    channel.offer('held')
    runner.crash(crash)
    expect(heard).toEqual([
      ['held', false],
      ['runs', true],
    ])
  })

  it('that was called off and then fails counts as cancelled, and makes room for the next', async () => {
    const world = new RunnerBench()
    world.begin()
    for (const item of ['a', 'b', 'c']) world.channel.offer(item)
    world.runner.callOff(world.runs[0]!, 'unwanted')
    await world.fail('a', new Error('gave up'))
    expect(world.log).toEqual(['first a undefined', 'first b undefined', 'error a gave up', 'first c undefined'])
    expect(world.channel.stats).toMatchObject({ cancelled: 1, failed: 0, running: 2 })
  })

  it('that has ended fails no more', async () => {
    const world = new RunnerBench()
    world.begin()
    world.channel.offer('a')
    world.runner.end(world.runs[0]!, 'cancelled')
    await world.fail('a', crash)
    world.runner.fail(world.runs[0]!, crash)
    expect(world.log).toEqual(['first a undefined'])
    expect(world.channel.stats).toMatchObject({ cancelled: 1, failed: 0, running: 0 })
  })
})
