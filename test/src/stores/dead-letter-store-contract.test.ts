import { test } from 'vitest'
import type { DeadLetterStore, DeadLetterStoreOptions } from '../../../src/stores/index.ts'
import { deadLetterStoreContract, type DeadLetterStoreSubject, VirtualClock } from '../../../src/testing/index.ts'
import { createModelDeadLetterStore, ModelData } from '../../fixtures/model-dead-letter-store.ts'
import { createOwnDeadLetterStore, OwnLetters } from '../../fixtures/own-dead-letter-store.ts'
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

function ownSubject(options: DeadLetterStoreOptions): DeadLetterStoreSubject {
  const [clock, letters] = [new VirtualClock({ startAt: 1_700_000_000_000 }), new OwnLetters()]
  const open = (given: DeadLetterStoreOptions): DeadLetterStore =>
    createOwnDeadLetterStore(given, letters, () => clock.wallTime())
  return {
    store: open(options),
    now: () => clock.wallTime(),
    advance: (ms) => clock.advance(ms),
    reopen: open,
  }
}

for (const check of [
  ...deadLetterStoreContract("somebody else's", ownSubject, { encryption: false }),
  ...deadLetterStoreContract('the model', modelSubject),
  ...deadLetterStoreContract('SQLite', sqliteSubject),
]) {
  test(check.name, check.run)
}
