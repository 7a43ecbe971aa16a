import fc from 'fast-check'
import { expect, test } from 'vitest'
import { rarestTerms } from '../../../src/retrieval/rarest-terms.ts'

const counts = fc.dictionary(fc.string({ minLength: 1, maxLength: 3 }), fc.nat({ max: 100 }), { maxKeys: 12 })
const budget = fc.nat({ max: 200 })

function pick(given: Readonly<Record<string, number>>, limit: number): readonly string[] {
  return rarestTerms(Object.keys(given), (term) => given[term] ?? 0, limit)
}

test('keeps the rarest that fit, in their order, and none that is nowhere', () => {
  expect(pick({ the: 90, spillway: 5, of: 80, drain: 20, nowhere: 0 }, 30)).toEqual(['spillway', 'drain'])
  expect(pick({ the: 90, of: 80 }, 30)).toEqual(['of'])
  expect(pick({ the: 90, of: 80 }, 170)).toEqual(['the', 'of'])
})

test('is never empty where a term is found, and fits the budget but for the rarest', () => {
  fc.assert(
    fc.property(counts, budget, (given, limit) => {
      const kept = pick(given, limit)
      const found = Object.keys(given).filter((term) => (given[term] ?? 0) > 0)
      expect(kept.length > 0).toBe(found.length > 0)
      expect(kept).toEqual(found.filter((term) => kept.includes(term)))
      const entries = kept.map((term) => given[term] ?? 0)
      const sum = entries.reduce((all, count) => all + count, 0)
      if (kept.length > 1) expect(sum).toBeLessThanOrEqual(limit)
      for (const left of found.filter((term) => !kept.includes(term))) {
        expect(given[left]).toBeGreaterThanOrEqual(Math.max(...entries))
        expect(sum + (given[left] ?? 0)).toBeGreaterThan(limit)
      }
    }),
  )
})
