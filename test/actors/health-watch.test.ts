import { describe, expect, it } from 'vitest'
import { HealthWatch } from '../../actors/health-watch.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'

/** A watch whose check gives what the test says, and what it has told and when. */
function watched(check: (call: number, signal: AbortSignal) => boolean | void | Promise<boolean | void>, failures = 3) {
  const clock = new VirtualClock()
  const log: string[] = []
  let calls = 0
  const settings = {
    check: (_: unknown, { signal }: { readonly signal: AbortSignal }) => {
      calls += 1
      log.push(`${clock.now()} check`)
      return check(calls, signal)
    },
    everyMs: 100,
    timeoutMs: 30,
    failures,
  }
  const watch: HealthWatch = new HealthWatch(settings, undefined, clock, {
    unhealthy: (error, count) => log.push(`${clock.now()} ${count} ${(error as Error).message}`),
    failed: (error) => {
      log.push(`${clock.now()} failed: ${error.message}`)
      watch.stop()
    },
  })
  return { clock, log, watch }
}

const never = new Promise<boolean>(() => undefined)

/** A watch whose checks hang, and the signals that they were given. */
function hanging() {
  const signals: AbortSignal[] = []
  const world = watched((_, signal) => {
    signals.push(signal)
    return never
  })
  return { ...world, signals }
}

describe('HealthWatch', () => {
  it('asks again so long after each answer, as long as it is healthy', async () => {
    const { clock, log, watch } = watched((call) =>
      call === 1
        ? new Promise((resolve) => {
            clock.setTimeout(() => {
              resolve(true)
            }, 20)
          })
        : undefined,
    )
    await clock.advance(320)
    expect(log).toEqual(['100 check', '220 check', '320 check'])
    watch.stop()
    expect(clock.pending).toBe(0)
  })

  it('is failed by as many failures in a row, of any kind', async () => {
    const kinds = [
      () => false,
      () => {
        throw new Error('thrown')
      },
      () => true,
      () => Promise.reject(new Error('rejected')),
      () => Promise.resolve(false),
      () => {
        throw new Error('last')
      },
    ]
    const { clock, log } = watched((call) => kinds[call - 1]!())
    await clock.advance(1000)
    expect(log.filter((line) => !line.endsWith('check'))).toEqual([
      '100 1 the check answered false',
      '200 2 thrown',
      '400 1 rejected',
      '500 2 the check answered false',
      '600 3 last',
      '600 failed: the health check failed 3 times in a row',
    ])
    expect(clock.pending).toBe(0)
  })

  it('aborts a check that takes too long, and says why', async () => {
    const { clock, watch, signals } = hanging()
    await clock.advance(129)
    expect(signals[0]!.aborted).toBe(false)
    await clock.advance(1)
    expect(signals[0]!.reason).toMatchObject({ message: 'the check did not answer within its timeoutMs of 30 ms' })
    watch.stop()
  })

  it('does not ask a second time while a check hangs, which counts as a failure each time', async () => {
    const { clock, log, signals } = hanging()
    await clock.advance(1000)
    expect(log).toEqual([
      '100 check',
      '130 1 the check did not answer within its timeoutMs of 30 ms',
      '230 2 the check before has still not answered',
      '330 3 the check before has still not answered',
      '330 failed: the health check failed 3 times in a row',
    ])
    expect(signals[0]!.aborted).toBe(true)
    expect(clock.pending).toBe(0)
  })

  it('asks again once a check that took too long has answered, whatever that was', async () => {
    const late = Promise.withResolvers<boolean>()
    const { clock, log, watch } = watched((call) => (call === 1 ? late.promise : true))
    await clock.advance(150)
    late.resolve(true)
    await clock.advance(200)
    expect(log).toEqual([
      '100 check',
      '130 1 the check did not answer within its timeoutMs of 30 ms',
      '230 check',
      '330 check',
    ])
    watch.stop()
  })

  it('heeds nothing once it is stopped', async () => {
    const late = Promise.withResolvers<boolean>()
    const signals: AbortSignal[] = []
    const { clock, log, watch } = watched((_, signal) => {
      signals.push(signal)
      return late.promise
    }, 1)
    await clock.advance(110)
    watch.stop()
    expect([signals[0]!.aborted, clock.pending]).toEqual([true, 0])
    late.resolve(false)
    await clock.advance(1000)
    expect(log).toEqual(['100 check'])
    expect(clock.pending).toBe(0)
  })
})
