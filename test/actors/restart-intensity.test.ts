import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { allowRestart } from '../../actors/index.ts'

/** The times of the restarts that a series of crashes gets, and those of the crashes that get none. */
function play(crashes: readonly number[], intensity: { readonly maxRestarts: number; readonly withinMs: number }) {
  const allowed: number[] = []
  const refused: number[] = []
  let window: readonly number[] = []
  for (const at of crashes) {
    const verdict = allowRestart(window, at, intensity)
    window = verdict.restarts
    ;(verdict.allowed ? allowed : refused).push(at)
  }
  return { allowed, refused, window }
}

describe('allowRestart', () => {
  it('allows as many restarts as it says and refuses the next crash', () => {
    const { allowed, refused } = play([0, 10, 20, 30], { maxRestarts: 3, withinMs: 1000 })
    expect(allowed).toEqual([0, 10, 20])
    expect(refused).toEqual([30])
  })

  it('forgets a restart once the window has passed it, to the millisecond', () => {
    expect(allowRestart([0], 999, { maxRestarts: 1, withinMs: 1000 })).toEqual({ allowed: false, restarts: [0] })
    expect(allowRestart([0], 1000, { maxRestarts: 1, withinMs: 1000 })).toEqual({ allowed: true, restarts: [1000] })
  })

  it('never restarts with maxRestarts 0', () => {
    expect(allowRestart([], 5, { maxRestarts: 0, withinMs: 1000 })).toEqual({ allowed: false, restarts: [] })
  })

  it('keeps no times where there is no limit', () => {
    expect(allowRestart([], 5, { maxRestarts: Infinity, withinMs: 1000 })).toEqual({ allowed: true, restarts: [] })
  })

  it('changes nothing that it was given', () => {
    const restarts = Object.freeze([1, 2])
    expect(allowRestart(restarts, 3, { maxRestarts: 5, withinMs: 1000 }).restarts).toEqual([1, 2, 3])
    expect(restarts).toEqual([1, 2])
  })

  it('grants at most maxRestarts in any window, and refuses only when the window is full', () => {
    const intervals = fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 60, size: 'max' })
    const intensity = fc.record({
      maxRestarts: fc.integer({ min: 0, max: 6 }),
      withinMs: fc.integer({ min: 1, max: 100 }),
    })
    fc.assert(
      fc.property(intervals, intensity, (gaps, { maxRestarts, withinMs }) => {
        let at = 0
        const crashes = gaps.map((gap) => (at += gap))
        const { allowed, refused, window } = play(crashes, { maxRestarts, withinMs })
        const inWindow = (end: number): number => allowed.filter((time) => time <= end && end - time < withinMs).length
        for (const time of allowed) expect(inWindow(time)).toBeLessThanOrEqual(maxRestarts)
        for (const time of refused) expect(inWindow(time)).toBeGreaterThanOrEqual(maxRestarts)
        expect(window.length).toBeLessThanOrEqual(maxRestarts)
      }),
    )
  })
})
