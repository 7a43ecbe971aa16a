import { createActor, setup } from 'xstate'
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../operators/index.ts'

describe('the system clock', () => {
  test('does not go back', () => {
    let last = systemClock.now()
    for (let i = 0; i < 10_000; i++) {
      const now = systemClock.now()
      expect(now).toBeGreaterThanOrEqual(last)
      last = now
    }
  })

  test('knows the time of day', () => {
    const before = Date.now()
    const told = systemClock.wallTime()
    expect(told).toBeGreaterThanOrEqual(before)
    expect(told).toBeLessThanOrEqual(Date.now())
  })

  test('calls once, and not what was taken back', async () => {
    const called: string[] = []
    const taken = systemClock.setTimeout(() => called.push('taken back'), 1)
    systemClock.clearTimeout(taken)
    systemClock.clearTimeout(undefined)
    await new Promise<void>((resolve) => {
      systemClock.setTimeout(() => {
        called.push('kept')
        resolve()
      }, 5)
    })
    systemClock.clearTimeout(taken)
    expect(called).toEqual(['kept'])
  })

  test('does not take a very long delay for none', async () => {
    const called: string[] = []
    const handles = [2 ** 31, Number.MAX_SAFE_INTEGER, Infinity].map((ms) =>
      systemClock.setTimeout(() => called.push(String(ms)), ms),
    )
    await new Promise<void>((resolve) => {
      systemClock.setTimeout(resolve, 5)
    })
    for (const handle of handles) systemClock.clearTimeout(handle)
    expect(called).toEqual([])
  })

  test("is a clock for XState's machines", async () => {
    const machine = setup({}).createMachine({
      initial: 'waits',
      states: { waits: { after: { 1: 'done' } }, done: { type: 'final' } },
    })
    const actor = createActor(machine, { clock: systemClock })
    await new Promise<void>((resolve) => {
      actor.subscribe({ complete: resolve })
      actor.start()
    })
    expect(actor.getSnapshot().value).toBe('done')
  })
})
