// A property test of a stage of one's own: random requests and faults in virtual time, shrunk when one breaks it.
import { pipeline } from 'spillway'
import { checkInvariants } from 'spillway/testing'
import assert from 'node:assert/strict'

const most = 2
let taken = 0

/** Measures a text with a connection of a pool, which it may forget to give back. */
const measured = (forgets: boolean) =>
  pipeline<{ readonly text: string }>('texts').stage(
    'measure',
    async ({ text }, { clock, signal }) => {
      taken += 1
      try {
        await new Promise((resolve) => clock.setTimeout(() => resolve(undefined), 5))
        signal.throwIfAborted()
        return text.length
      } finally {
        if (!forgets || !signal.aborted) taken -= 1
      }
    },
    { capacity: 4, concurrency: most },
  )

const options = {
  request: (index: number) => ({ text: `text ${index}` }),
  check: () => assert(taken <= most, `${taken} connections are taken`),
  runs: 300,
}
const fresh = (forgets: boolean) => () => {
  taken = 0
  return measured(forgets)
}

console.log(await checkInvariants(fresh(false), options))
await assert.rejects(checkInvariants(fresh(true), options), (error: Error) => {
  console.log(error.message) // which promise, seed and path to play it again, the shrunk scenario, the timeline
  return true
})
