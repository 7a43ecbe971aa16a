import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compileStops, StopMatcher } from '../../../src/stages/stop-matcher.ts'

const text = (maxLength: number) => fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength })

test('matchers that share compiled stops do not heed what the others have seen', () => {
  fc.assert(
    fc.property(
      fc.array(text(5), { minLength: 1, maxLength: 4 }),
      fc.array(fc.tuple(fc.nat({ max: 2 }), text(4)), { maxLength: 20 }),
      (stops, pieces) => {
        const shared = compileStops(stops)
        const together = Array.from({ length: 3 }, () => new StopMatcher(shared))
        const alone = Array.from({ length: 3 }, () => new StopMatcher(compileStops(stops)))
        for (const [choice, piece] of pieces) {
          if (alone[choice]?.ended !== undefined) continue
          expect(together[choice]?.push(piece)).toBe(alone[choice]?.push(piece))
          expect(together[choice]?.ended).toBe(alone[choice]?.ended)
        }
        expect(together.map((matcher) => matcher.end())).toEqual(alone.map((matcher) => matcher.end()))
      },
    ),
  )
})
