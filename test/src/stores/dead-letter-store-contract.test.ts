import { test } from 'vitest'
import { deadLetterStoreContract, VirtualClock } from '../../../src/testing/index.ts'
import { createModelDeadLetterStore, ModelData } from '../../fixtures/model-dead-letter-store.ts'

const startAt = 1_700_000_000_000

for (const check of deadLetterStoreContract('the model', (options) => {
  const [clock, data] = [new VirtualClock({ startAt }), new ModelData()]
  return {
    store: createModelDeadLetterStore({ ...options, clock, data }),
    now: () => clock.wallTime(),
    advance: (ms) => clock.advance(ms),
    reopen: (others) => createModelDeadLetterStore({ ...others, clock, data }),
    written: () => data.bytes(),
  }
})) {
  test(check.name, check.run)
}
