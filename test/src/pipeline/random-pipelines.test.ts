import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { play } from './play.ts'
import { scenarios } from './scenario.ts'

describe('a random pipeline under random load', () => {
  it(
    'keeps its books, its bounds and its promises at every step, and repeats itself',
    { timeout: 600_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(scenarios, async (scenario) => {
          const first = await play(scenario)
          expect(await play(scenario)).toEqual(first)
        }),
        { numRuns: 150 },
      )
    },
  )
})
