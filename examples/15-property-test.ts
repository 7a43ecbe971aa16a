// A property test of an operator of one's own: random workloads and faults in virtual time, shrunk when one breaks it.
import { boundedBuffer } from 'spillway/operators'
import { checkInvariants, operator } from 'spillway/testing'
import assert from 'node:assert/strict'

const limits = { capacity: 4, concurrency: 2, ttlMs: 50 }

const careful = operator(
  ({ project, clock, onOutcome }) => boundedBuffer(project, { ...limits, clock, onOutcome }),
  limits,
)
console.log(await checkInvariants(careful, { runs: 500 }))

// One that has room for one item less than it claims.
const narrow = operator(
  ({ project, clock, onOutcome }) => boundedBuffer(project, { ...limits, capacity: 3, clock, onOutcome }),
  limits,
)
await assert.rejects(checkInvariants(narrow, { runs: 500 }), (error: Error) => {
  console.log(error.message) // the invariant, seed and path to play it again, the shrunk scenario, the timeline
  return true
})
