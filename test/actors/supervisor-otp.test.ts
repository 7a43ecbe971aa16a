import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { scenarios } from '../effort.ts'
import { play, plans } from './supervisor-tree.ts'

it('starts, stops, restarts and escalates as OTP does, whatever falls when', async () => {
  await fc.assert(
    fc.asyncProperty(plans, fc.scheduler(), async (plan, scheduler) => {
      await play(plan, scheduler, (real, model) => {
        expect(real).toEqual(model)
      })
    }),
    { numRuns: scenarios('supervisors') },
  )
})
