import { test } from 'vitest'
import type { DeadLetterStoreOptions } from '../../../src/stores/index.ts'
import { deadLetterStoreContract, type DeadLetterStoreSubject, VirtualClock } from '../../../src/testing/index.ts'
import { createModelDeadLetterStore, ModelData } from '../../fixtures/model-dead-letter-store.ts'
import { sqliteSubject } from './sqlite-subject.ts'

function modelSubject(options: DeadLetterStoreOptions): DeadLetterStoreSubject {
  const [clock, data] = [new VirtualClock({ startAt: 1_700_000_000_000 }), new ModelData()]
  return {
    store: createModelDeadLetterStore({ ...options, clock, data }),
    now: () => clock.wallTime(),
    advance: (ms) => clock.advance(ms),
    reopen: (others) => createModelDeadLetterStore({ ...others, clock, data }),
    written: () => data.bytes(),
  }
}

for (const check of [
  ...deadLetterStoreContract('the model', modelSubject),
  ...deadLetterStoreContract('SQLite', sqliteSubject),
]) {
  test(check.name, check.run)
}
