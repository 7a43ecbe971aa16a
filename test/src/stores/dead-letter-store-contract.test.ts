import { Buffer } from 'node:buffer'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'vitest'
import { createSqliteDeadLetterStore, type DeadLetterStoreOptions } from '../../../src/stores/index.ts'
import { deadLetterStoreContract, type DeadLetterStoreSubject, VirtualClock } from '../../../src/testing/index.ts'
import { createModelDeadLetterStore, ModelData } from '../../fixtures/model-dead-letter-store.ts'

const startAt = 1_700_000_000_000

function inMemory(options: DeadLetterStoreOptions): DeadLetterStoreSubject {
  const [clock, data] = [new VirtualClock({ startAt }), new ModelData()]
  return {
    store: createModelDeadLetterStore({ ...options, clock, data }),
    now: () => clock.wallTime(),
    advance: (ms) => clock.advance(ms),
    reopen: (others) => createModelDeadLetterStore({ ...others, clock, data }),
    written: () => data.bytes(),
  }
}

function inSqlite(options: DeadLetterStoreOptions): DeadLetterStoreSubject {
  const clock = new VirtualClock({ startAt })
  const folder = mkdtempSync(join(tmpdir(), 'spillway-letters-'))
  const file = join(folder, 'letters.db')
  return {
    store: createSqliteDeadLetterStore({ ...options, file, clock }),
    now: () => clock.wallTime(),
    advance: (ms) => clock.advance(ms),
    reopen: (others) => createSqliteDeadLetterStore({ ...others, file, clock }),
    written: () => Buffer.concat(readdirSync(folder).map((name) => readFileSync(join(folder, name)))),
    dispose: async () => {
      rmSync(folder, { recursive: true })
    },
  }
}

for (const check of [
  ...deadLetterStoreContract('the model', inMemory),
  ...deadLetterStoreContract('SQLite', inSqlite),
]) {
  test(check.name, check.run)
}
