import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RetryBudget, type RetryBudgetOptions } from '../../operators/public.ts'

describe('RetryBudget', () => {
  test('allows as many retries as were saved up and earned, and not one more', () => {
    const anyOptions = fc.record({ ratio: fc.integer({ min: 0, max: 1000 }), reserve: fc.nat({ max: 5 }) })
    fc.assert(
      fc.property(anyOptions, fc.array(fc.boolean(), { maxLength: 100, size: 'max' }), ({ ratio, reserve }, calls) => {
        const budget = new RetryBudget({ ratio: ratio / 1000, reserve })
        let [deposits, retries] = [0, 0]
        // Thousandths, as whole numbers.
        let saved = reserve * 1000
        for (const isRetry of calls) {
          if (isRetry) {
            expect(budget.withdraw()).toBe(saved >= 1000)
            if (saved >= 1000) {
              saved -= 1000
              retries += 1
            }
          } else {
            budget.deposit()
            deposits += 1
            saved = Math.min(reserve * 1000, saved + ratio)
          }
          expect(budget.available).toBe(Math.floor(saved / 1000))
          expect(retries).toBeLessThanOrEqual(reserve + (deposits * ratio) / 1000)
        }
      }),
    )
  })

  test('ten tenths are one retry', () => {
    const budget = new RetryBudget({ ratio: 0.1, reserve: 1 })
    budget.withdraw()
    for (let call = 0; call < 10; call++) budget.deposit()
    expect([budget.withdraw(), budget.withdraw()]).toEqual([true, false])
  })

  test('has ten retries at the start, and a fifth of one for each call', () => {
    const budget = new RetryBudget()
    expect(budget.available).toBe(10)
    while (budget.withdraw());
    for (let call = 0; call < 5; call++) budget.deposit()
    expect(budget.available).toBe(1)
  })

  const bad: readonly (readonly [string, unknown])[] = [
    ['ratio must be a number from 0 to 1', { ratio: 1.5 }],
    ['reserve must be a whole number from 0', { reserve: -1 }],
    // In thousandths it would no longer be exact.
    ['reserve must be a whole number from 0', { reserve: Number.MAX_SAFE_INTEGER }],
    ['unknown option "percent"', { percent: 20 }],
  ]
  test.each(bad)('%s: %j is refused', (message, options) => {
    expect(() => new RetryBudget(options as RetryBudgetOptions)).toThrow(message)
  })
})
