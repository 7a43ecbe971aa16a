import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fuseRankings, type Ranking } from '../../../src/retrieval/fuse-rankings.ts'

/** Scores that fall from place to place. */
const ranking: fc.Arbitrary<Ranking> = fc
  .uniqueArray(fc.tuple(fc.nat({ max: 30 }), fc.integer({ min: 1, max: 9 })), { maxLength: 20, selector: ([id]) => id })
  .map((steps) =>
    steps.map(([id], index) => ({ id, score: steps.slice(index).reduce((sum, [, step]) => sum + step, 0) })),
  )
const rankings = fc.array(ranking, { maxLength: 4 })
const idsOf = (given: Ranking): readonly number[] => given.map(({ id }) => id)
const fusedIds = (given: readonly Ranking[]): readonly number[] => idsOf(fuseRankings(given))

test('gives the mean of where each score is between the last and the best of its ranking', () => {
  const words = [{ id: 7, score: 8 }, { id: 3, score: 6 }, { id: 5, score: 2 }] // prettier-ignore
  const vectors = [{ id: 3, score: 7 }, { id: 9, score: 4 }, { id: 4, score: 3 }] // prettier-ignore
  expect(fuseRankings([words, vectors])).toEqual([
    { id: 3, score: (4 / 6 + 1) / 2, ranks: [2, 1] },
    { id: 7, score: 1 / 2, ranks: [1, undefined] },
    { id: 9, score: 1 / 4 / 2, ranks: [undefined, 2] },
    { id: 5, score: 0, ranks: [3, undefined] },
    { id: 4, score: 0, ranks: [undefined, 3] },
  ])
})

test('what stands out in one ranking is before what is in the middle of both', () => {
  const outstanding = [10, 3, 2, 1].map((score, id) => ({ id, score }))
  const other = [9, 8, 1, 2].map((id, place) => ({ id, score: 4 - place }))
  expect(fusedIds([outstanding, other]).slice(0, 2)).toEqual([0, 9])
})

test('where all scores of a ranking are alike, each is the best', () => {
  expect(fuseRankings([[{ id: 1, score: 2 }, { id: 2, score: 2 }]]).map(({ score }) => score)).toEqual([1, 1]) // prettier-ignore
})

test('gives every member once, with its places, best first, scores from 0 to 1', () => {
  fc.assert(
    fc.property(rankings, (given) => {
      const fused = fuseRankings(given)
      expect(new Set(fused.map(({ id }) => id))).toEqual(new Set(given.flatMap(idsOf)))
      expect(fused).toHaveLength(new Set(given.flatMap(idsOf)).size)
      for (const { id, score, ranks } of fused) {
        expect(ranks).toEqual(given.map(idsOf).map((ids) => (ids.includes(id) ? ids.indexOf(id) + 1 : undefined)))
        expect(score).toBeGreaterThanOrEqual(0)
        expect(score).toBeLessThanOrEqual(1)
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
      expect(fusedIds(Array.from({ length: times }, () => given))).toEqual(idsOf(given))
    }),
  )
})

test('who is before another in every ranking is before it in the fusion', () => {
  fc.assert(
    fc.property(rankings, (given) => {
      const fused = fusedIds(given)
      for (const better of fused) {
        for (const worse of fused) {
          const always = given.map(idsOf).every((ids) => {
            const [first, second] = [ids.indexOf(better), ids.indexOf(worse)]
            return second === -1 || (first !== -1 && first < second)
          })
          if (always && better !== worse) expect(fused.indexOf(better)).toBeLessThan(fused.indexOf(worse))
        }
      }
    }),
  )
})

test('neither the order of the rankings nor the scale of their scores changes a score', () => {
  fc.assert(
    fc.property(rankings, fc.integer({ min: 1, max: 100 }), fc.integer({ min: -100, max: 100 }), (given, by, more) => {
      const scoresOf = (of: readonly Ranking[]): unknown =>
        new Map(fuseRankings(of).map(({ id, score }) => [id, score.toFixed(9)]))
      const changed = given.map((each) => each.map(({ id, score }) => ({ id, score: by * score + more })))
      expect(scoresOf(changed.toReversed())).toEqual(scoresOf(given))
    }),
  )
})
