import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fuseRankings } from '../../../src/retrieval/fuse-rankings.ts'

const ranking = fc.uniqueArray(fc.nat({ max: 30 }), { maxLength: 20 })
const rankings = fc.array(ranking, { maxLength: 4 })
const ids = (given: readonly (readonly number[])[]): readonly number[] => fuseRankings(given).map(({ id }) => id)

test('adds up the reciprocals of the places', () => {
  expect(fuseRankings([[7, 3], [3, 9]])).toEqual([
    { id: 3, score: 1 / 62 + 1 / 61, ranks: [2, 1] },
    { id: 7, score: 1 / 61, ranks: [1, undefined] },
    { id: 9, score: 1 / 62, ranks: [undefined, 2] },
  ]) // prettier-ignore
})

test('gives every member once, with its places, best first', () => {
  fc.assert(
    fc.property(rankings, (given) => {
      const fused = fuseRankings(given)
      expect(new Set(fused.map(({ id }) => id))).toEqual(new Set(given.flat()))
      expect(fused).toHaveLength(new Set(given.flat()).size)
      for (const { id, ranks } of fused) {
        expect(ranks).toEqual(given.map((each) => (each.includes(id) ? each.indexOf(id) + 1 : undefined)))
      }
      fused.slice(1).forEach(({ score }, index) => {
        expect(score).toBeLessThanOrEqual(fused[index]?.score ?? NaN)
      })
    }),
  )
})

test('one ranking stays as it is, and so do several that agree', () => {
  fc.assert(
    fc.property(ranking, fc.integer({ min: 1, max: 4 }), (given, times) => {
      expect(ids(Array.from({ length: times }, () => given))).toEqual(given)
    }),
  )
})

test('who is before another in every ranking is before it in the fusion', () => {
  fc.assert(
    fc.property(rankings, (given) => {
      const fused = ids(given)
      for (const better of fused) {
        for (const worse of fused) {
          const always = given.every((each) => {
            const [first, second] = [each.indexOf(better), each.indexOf(worse)]
            return second === -1 || (first !== -1 && first < second)
          })
          if (always && better !== worse) expect(fused.indexOf(better)).toBeLessThan(fused.indexOf(worse))
        }
      }
    }),
  )
})

test('the order of the rankings changes no score', () => {
  fc.assert(
    fc.property(rankings, (given) => {
      const scores = (of: readonly (readonly number[])[]): unknown =>
        new Map(fuseRankings(of).map(({ id, score }) => [id, score.toFixed(12)]))
      expect(scores(given.toReversed())).toEqual(scores(given))
    }),
  )
})
