import { describe, expect, it } from 'vitest'
import { pipeline, type StageOptions, type StartOptions, TopologyError } from '../../../src/index.ts'

const same = (text: string): string => text

const defaults = {
  concurrency: 1,
  overflow: 'drop-newest',
  weighted: false,
  prioritised: false,
  ttlMs: Infinity,
  timeoutMs: Infinity,
  onCrash: 'requeue-once',
}

describe('pipeline', () => {
  it('is plain data, the defaults filled in', () => {
    const definition = pipeline<string>('p')
      .stage('a', same, { capacity: 5 })
      .stage('b', same, { capacity: 0, concurrency: 2, overflow: 'drop-oldest', timeoutMs: 10 })
      .stage('c', same, {
        capacity: 9,
        overflow: { drop: 'lowest', priority: () => 1 },
        weight: (text) => text.length,
        ttlMs: 50,
      })
    expect(definition.topology).toEqual({
      name: 'p',
      stages: [
        { ...defaults, name: 'a', capacity: 5 },
        { ...defaults, name: 'b', capacity: 0, concurrency: 2, overflow: 'drop-oldest', timeoutMs: 10 },
        {
          ...defaults,
          name: 'c',
          capacity: 9,
          overflow: 'drop-lowest',
          weighted: true,
          prioritised: true,
          ttlMs: 50,
        },
      ],
    })
  })

  it('does not change when a stage is added to it, and can be started more than once', () => {
    const one = pipeline<string>('p').stage('a', same, { capacity: 1 })
    one.stage('b', same, { capacity: 1 })
    expect(one.topology.stages).toHaveLength(1)
    const [first, second] = [one.start(), one.start()]
    first.submit('x')
    expect(first.ledger().submitted).toBe(1)
    expect(second.ledger().submitted).toBe(0)
  })

  it('names every fault of its topology', () => {
    expect(() => pipeline('empty').start()).toThrow(new TopologyError('pipeline "empty": it has no stage'))
    const options = { capacity: 1 }
    const twins = pipeline<string>('twins')
      .stage('a', same, options)
      .stage('b', same, options)
      .stage('a', same, options)
      .stage('b', same, options)
    expect(() => twins.start()).toThrow(TopologyError)
    expect(() => twins.start()).toThrow('two stages are named "a"; two stages are named "b"')
  })

  it.each<[Partial<Record<keyof StageOptions | 'capacty', unknown>>, string]>([
    [{ capacity: -1 }, 'stage "a": capacity must be a whole number from 0'],
    [{ capacity: 1.5 }, 'got 1.5'],
    [{}, 'stage "a": capacity must be a whole number'],
    [{ capacity: 1, concurrency: 0 }, 'stage "a": concurrency must be a whole number from 1'],
    [{ capacity: 1, overflow: 'drop' }, 'stage "a": overflow must be "drop-newest", "drop-oldest", "fail", {'],
    [{ capacity: 1, overflow: { drop: 'lowest' } }, 'stage "a": overflow.priority must be a function'],
    [
      { capacity: 1, overflow: { drop: 'lowest', priority: () => 1 }, priority: () => 1 },
      'stage "a": priority must not be given beside overflow',
    ],
    [{ capacity: 1, priority: 1 }, 'stage "a": priority must be a function, got 1'],
    [{ capacity: 1, weight: 1 }, 'stage "a": weight must be a function, got 1'],
    [{ capacity: 1, ttlMs: 0 }, 'stage "a": ttlMs must be a number from 1'],
    [{ capacity: 1, timeoutMs: 0 }, 'stage "a": timeoutMs must be a number from 1'],
    [{ capacty: 1 }, 'stage "a": unknown option "capacty"'],
  ])('refuses the stage options %j', (options, message) => {
    expect(() => pipeline<string>('p').stage('a', same, options as never)).toThrow(message)
  })

  it.each<[Partial<Record<keyof StartOptions | 'scales', unknown>>, string]>([
    [{ admission: 'open' }, 'admission must be one of "door", "stage", got "open"'],
    [{ streamBuffer: 0 }, 'streamBuffer must be a whole number from 1'],
    [{ stallTimeoutMs: 0 }, 'stallTimeoutMs must be a number from 1'],
    [{ abortGraceMs: -1 }, 'abortGraceMs must be a number from 0'],
    [{ scale: 0 }, 'scale must be a number'],
    [{ metricsPrefix: '' }, 'metricsPrefix must not be empty'],
    [{ supervision: { maxRestarts: -1 } }, 'maxRestarts must be a whole number from 0'],
    [{ scales: 1 }, 'unknown option "scales"'],
  ])('refuses the start options %j', (options, message) => {
    const definition = pipeline<string>('p').stage('a', same, { capacity: 1 })
    expect(() => definition.start(options as never)).toThrow(message)
  })

  it('refuses what is no name and no handler', () => {
    expect(() => pipeline('')).toThrow('pipeline name must not be empty')
    expect(() => pipeline<string>('p').stage('', same, { capacity: 1 })).toThrow('stage name must not be empty')
    expect(() => pipeline<string>('p').stage('a', 'no' as never, { capacity: 1 })).toThrow('must be a function')
  })
})
