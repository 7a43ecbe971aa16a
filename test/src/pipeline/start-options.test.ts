import { describe, expect, it } from 'vitest'
import { pipeline } from '../../../src/index.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'

const definition = pipeline<string>('p').stage('one', (text) => text, { capacity: 1 })

/** What was thrown. */
function thrown(act: () => unknown): unknown {
  try {
    act()
  } catch (error) {
    return error
  }
  return undefined
}

describe('a start option that is wrong', () => {
  it.each<[object, string, new () => Error]>([
    [{ clock: {} }, 'clock', TypeError],
    [{ clock: { now: () => 0, wallTime: () => 0, setTimeout: () => 0 } }, 'clock', TypeError],
    [{ logger: 5 }, 'logger', TypeError],
    [{ logger: {} }, 'logger', TypeError],
    [{ registry: {} }, 'registry', TypeError],
    [{ supervision: 7 }, 'supervision', TypeError],
    [{ supervision: { backoff: 5 } }, 'backoff', TypeError],
    [{ supervision: { maxRestart: 5 } }, 'maxRestart', TypeError],
    [{ metricsPrefix: 5 }, 'metricsPrefix', TypeError],
    [{ metricsPrefix: 'a b-' }, 'metricsPrefix', RangeError],
    [{ metricsPrefix: '1st_' }, 'metricsPrefix', RangeError],
  ])('is named: %j', (options, name, kind) => {
    const error = thrown(() => definition.start(options))
    expect(error).toBeInstanceOf(kind)
    expect(String(error)).toContain(name)
  })

  it('says which prefix it was', () => {
    expect(() => definition.start({ metricsPrefix: 'a b-' })).toThrow('"a b-"')
  })
})

describe('a drain option that is wrong', () => {
  it.each<[object, string]>([
    [{ timeout: 5 }, 'unknown option "timeout"'],
    [{ timeoutMs: '5' }, 'timeoutMs must be a number'],
  ])('is named, and the pipeline goes on: %j', async (options, message) => {
    const running = definition.start({ clock: new VirtualClock() })
    expect(() => running.drain(options as never)).toThrow(message)
    expect(running.state).toBe('running')
    expect(running.submit('a').settled).toMatchObject({ kind: 'completed' })
    expect(await running.drain()).toMatchObject({ inFlight: 0 })
  })
})
