import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cut, filtered } from './filtered.ts'
import { filtersUnderTest } from './filters-under-test.ts'

test.each(filtersUnderTest.map((subject) => [subject.name, subject] as const))(
  '%s: the output does not depend on how the text is split',
  (_name, { create, text }) => {
    fc.assert(
      fc.property(text, fc.array(fc.nat(200), { maxLength: 12 }), (whole, places) => {
        const atOnce = filtered(create(), [whole])
        expect(
          filtered(
            create(),
            cut(
              whole,
              places.map((place) => place % (whole.length + 1)),
            ),
          ),
        ).toEqual(atOnce)
        expect(filtered(create(), whole.split(''))).toEqual(atOnce)
      }),
      { numRuns: 1000 },
    )
  },
)
