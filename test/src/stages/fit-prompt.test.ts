import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fitPrompt, type PromptFit, type PromptParts } from '../../../src/stages/fit-prompt.ts'

const tokens = fc.integer({ min: 0, max: 50 })
const parts: fc.Arbitrary<PromptParts> = fc.record({
  fixed: tokens,
  passages: fc.array(fc.record({ tokens, score: fc.integer({ min: 0, max: 5 }) }), { maxLength: 8 }),
  turns: fc.array(tokens, { maxLength: 12 }),
})
const limit = fc.integer({ min: 0, max: 500 })

const tokensOf = ({ fixed, passages, turns }: PromptParts, fit: PromptFit): number =>
  fixed +
  fit.passages.reduce((sum, index) => sum + (passages[index]?.tokens ?? 0), 0) +
  turns.slice(fit.firstTurn).reduce((sum, turn) => sum + turn, 0)

test('what stays has the tokens that it says, and fits if and only if it says so', () => {
  fc.assert(
    fc.property(parts, limit, (given, most) => {
      const fit = fitPrompt(given, most)
      expect(fit.tokens).toBe(tokensOf(given, fit))
      expect(fit.fits).toBe(fit.tokens <= most)
    }),
  )
})

test('nothing is left out when all fits, and nothing more than it takes', () => {
  fc.assert(
    fc.property(parts, limit, (given, most) => {
      const fit = fitPrompt(given, most)
      const lastOut = lastLeftOut(given, fit)
      if (lastOut !== undefined) expect(fit.tokens + lastOut).toBeGreaterThan(most)
      const whole = fitPrompt(given, Infinity)
      expect(whole.passages).toEqual(given.passages.map((_, index) => index))
      expect(whole.firstTurn).toBe(0)
      if (whole.tokens <= most) expect(fit).toEqual(whole)
    }),
  )
})

test('what is left out is the weakest and the oldest, and the rest keeps its order', () => {
  fc.assert(
    fc.property(parts, limit, (given, most) => {
      const fit = fitPrompt(given, most)
      expect(fit.passages).toEqual([...fit.passages].sort((a, b) => a - b))
      given.passages.forEach(({ score }, out) => {
        if (fit.passages.includes(out)) return
        for (const kept of fit.passages) {
          const keptScore = given.passages[kept]?.score ?? 0
          expect(keptScore > score || (keptScore === score && kept < out)).toBe(true)
        }
      })
      if (fit.firstTurn > 0) {
        expect(fit.passages).toEqual([])
        expect(fit.firstTurn).toBeLessThan(given.turns.length)
      }
    }),
  )
})

test('it gives up only when nothing is left that may go', () => {
  fc.assert(
    fc.property(parts, limit, (given, most) => {
      const fit = fitPrompt(given, most)
      if (fit.fits) return
      expect(fit.passages).toEqual([])
      expect(fit.firstTurn).toBe(Math.max(0, given.turns.length - 1))
    }),
  )
})

test('more room never means that less stays', () => {
  fc.assert(
    fc.property(parts, limit, limit, (given, one, other) => {
      const narrow = fitPrompt(given, Math.min(one, other))
      const wide = fitPrompt(given, Math.max(one, other))
      expect(wide.passages).toEqual(expect.arrayContaining([...narrow.passages]))
      expect(wide.firstTurn).toBeLessThanOrEqual(narrow.firstTurn)
    }),
  )
})

test('time grows with the parts, not with their square', () => {
  const turns = Array.from({ length: 200_000 }, () => 1)
  expect(fitPrompt({ fixed: 0, passages: [], turns }, 10)).toEqual({
    fits: true,
    tokens: 10,
    passages: [],
    firstTurn: 199_990,
  })
})

/** The tokens of what was left out last. */
function lastLeftOut({ passages, turns }: PromptParts, fit: PromptFit): number | undefined {
  if (fit.firstTurn > 0) return turns[fit.firstTurn - 1]
  const out = passages
    .map((passage, index) => ({ ...passage, index }))
    .filter(({ index }) => !fit.passages.includes(index))
    .sort((a, b) => b.score - a.score || a.index - b.index)
  return out[0]?.tokens
}
