import { config } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { checkLife, type LifeOptions, type StageTrouble } from '../../actors/index.ts'
import { StageLife } from '../../actors/stage-life.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'

/** One setup, and all that was told of it. */
function acquired(options: LifeOptions<string>, onTrouble?: (trouble: StageTrouble) => void) {
  const clock = new VirtualClock()
  const life = new StageLife(clock, onTrouble)
  const told: unknown[] = []
  const callOff = life.acquire(checkLife(options), 1, 'crash', {
    done: ({ state }) => told.push(state),
    failed: (error) => told.push(error),
  })
  return { clock, life, told, callOff }
}

describe('a setup', () => {
  it('without a time-out sets no timer', () => {
    const { clock, told } = acquired({ setup: () => new Promise(() => undefined) })
    expect([clock.pending, told]).toEqual([0, []])
  })

  it('that fails is told with its cause', () => {
    const cause = new Error('no port')
    const { told } = acquired({
      setup: () => {
        throw cause
      },
    })
    expect(told).toMatchObject([{ message: 'setup failed: no port', cause }])
  })

  it.each([
    ['was called off', 0],
    ['took too long', 100],
  ])('that %s and then fails is told no more', async (_, ms) => {
    const failing = Promise.withResolvers<string>()
    const { clock, told, callOff } = acquired({ setup: () => failing.promise, setupTimeoutMs: 100 })
    if (ms === 0) callOff('stop')
    await clock.advance(ms)
    const before = told.length
    failing.reject(new Error('late'))
    await clock.settle()
    expect(told).toHaveLength(before)
    expect(before).toBe(ms === 0 ? 0 : 1)
  })

  it('that is done is not called off any more', () => {
    const signals: AbortSignal[] = []
    const { told, callOff } = acquired({
      setup: ({ signal }) => {
        signals.push(signal)
        return 'state'
      },
    })
    callOff('stop')
    expect([told, signals[0]!.aborted]).toEqual([['state'], false])
  })
})

describe('a teardown', () => {
  it('that fails is told with its cause, and what the listener throws is reported', async () => {
    const unhandled: unknown[] = []
    config.onUnhandledError = (error) => unhandled.push(error)
    const cause = new Error('stuck')
    const troubles: StageTrouble[] = []
    const theirs = new Error('theirs')
    const life = new StageLife(new VirtualClock(), (trouble) => {
      troubles.push(trouble)
      throw theirs
    })
    const settings = checkLife({
      teardown: () => {
        throw cause
      },
    })
    life.release({ state: undefined, settings }, 'stop')
    await new Promise((resolve) => setTimeout(resolve))
    config.onUnhandledError = null
    expect(troubles).toMatchObject([{ type: 'teardown-failed', error: { cause }, reason: 'stop' }])
    expect(unhandled).toEqual([theirs])
  })

  it('that fails needs no listener', () => {
    const life = new StageLife(new VirtualClock())
    const settings = checkLife({
      teardown: () => {
        throw new Error('stuck')
      },
    })
    life.release({ state: undefined, settings }, 'stop')
    expect(life.busy).toBe(false)
  })

  it('of several is waited for until the last is done', async () => {
    const clock = new VirtualClock()
    const life = new StageLife(clock)
    const done = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()]
    for (const { promise } of done)
      life.release({ state: undefined, settings: checkLife({ teardown: () => promise }) }, 'stop')
    let released = 0
    life.whenReleased(() => (released += 1))
    done[0]!.resolve(undefined)
    await clock.settle()
    expect(released).toBe(0)
    done[1]!.resolve(undefined)
    await clock.settle()
    expect(released).toBe(1)
    life.release({ state: undefined, settings: checkLife({ teardown: () => undefined }) }, 'stop')
    expect(released).toBe(1)
  })
})
