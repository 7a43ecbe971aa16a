import { Buffer } from 'node:buffer'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSqliteDeadLetterStore, type DeadLetterStoreOptions } from '../../../src/stores/index.ts'
import { type DeadLetterStoreSubject, VirtualClock } from '../../../src/testing/index.ts'

/** A store in a file of its own, on a virtual clock. */
export function sqliteSubject(options: DeadLetterStoreOptions): DeadLetterStoreSubject {
  const clock = new VirtualClock({ startAt: 1_700_000_000_000 })
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
