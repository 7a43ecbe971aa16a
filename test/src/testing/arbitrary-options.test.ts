import { expect, test } from 'vitest'
import { arrivals, faults, roundMs } from '../../../src/testing/index.ts'

const bad: readonly (readonly [string, () => unknown, string])[] = [
  ['a fault', () => faults(['thrwo' as never]), 'kinds must be one of "throw", "reject", "hang", "crash", got "thrwo"'],
  ['faults that are no array', () => faults(1 as never), 'kinds must be an array, got 1'],
  ['how rare faults are', () => faults(undefined, NaN), 'oneIn must be a whole number from 1 to'],
  ['an option of arrivals', () => arrivals({ max: 3 } as never), 'arrivals: unknown option "max"'],
  ['how many arrive', () => arrivals({ maxLength: -1 }), 'maxLength must be a whole number from 0'],
  ['a pattern', () => arrivals({ patterns: ['burst' as never] }), 'patterns must be one of "steady", "bursty"'],
  ['no pattern', () => arrivals({ patterns: [] }), 'patterns must not be empty'],
  ['times that are no array', () => roundMs(10 as never), 'choices must be an array, got 10'],
  ['a time', () => roundMs([[NaN, 1]]), 'choices[0] must be a number from 0'],
  ['a weight', () => roundMs([[5, 0.5]]), 'the weight of choices[0] must be a whole number from 0'],
  ['weights of nothing', () => roundMs([[0, 0]]), 'at least one choice must have a weight above 0'],
]

test.each(bad)('%s that makes no sense is refused by name', (_, make, says) => {
  expect(make).toThrow(says)
})
