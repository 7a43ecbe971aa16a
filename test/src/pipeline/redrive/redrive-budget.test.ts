import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RedriveBudget } from '../../../../src/pipeline/redrive/redrive-budget.ts'

/** How many it allows when as many as possible are taken. */
function takeAll(budget: RedriveBudget): number {
  const { available } = budget
  for (let taken = 0; taken < available; taken++) budget.withdraw()
  return available
}

describe('RedriveBudget', () => {
  it('allows at most reserve + perSecond · t + ratio · n, and at least as many as either alone', () => {
    const anyStep = fc.record({ ms: fc.integer({ min: 0, max: 3_000 }), admissions: fc.integer({ min: 0, max: 50 }) })
    fc.assert(
      fc.property(
        fc.constantFrom(0, 0.3, 1, 5),
        fc.constantFrom(0, 0.1, 1),
        fc.integer({ min: 1, max: 8 }),
        fc.array(anyStep),
        (perSecond, ratio, reserve, steps) => {
          const budget = new RedriveBudget({ perSecond, ratio }, reserve, 0)
          let [now, admissions] = [0, 0]
          let taken = takeAll(budget)
          expect(taken).toBe(reserve)
          for (const step of steps) {
            now += step.ms
            admissions += step.admissions
            budget.earn(now, admissions)
            taken += takeAll(budget)
            expect(taken).toBeLessThanOrEqual(reserve + (perSecond * now) / 1000 + ratio * admissions + 1e-3)
          }
        },
      ),
    )
  })

  it('says when time alone will have earned the next', () => {
    const budget = new RedriveBudget({ perSecond: 4, ratio: 0 }, 1, 0)
    budget.withdraw()
    expect(budget.available).toBe(0)
    expect(budget.nextInMs).toBe(250)
    budget.earn(250, 0)
    expect(budget.available).toBe(1)
  })

  it('earns nothing of admissions that were taken back', () => {
    const budget = new RedriveBudget({ perSecond: 0, ratio: 1 }, 10, 0)
    takeAll(budget)
    budget.earn(0, 5)
    expect(takeAll(budget)).toBe(5)
    budget.earn(0, 3)
    budget.earn(0, 5)
    expect(takeAll(budget)).toBe(0)
  })
})
