import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'vitest'
import type { SessionStore, SessionStoreOptions } from '../../../src/stores/index.ts'
import { createSqliteSessionStore } from '../../../src/stores/sqlite-session-store.ts'
import { sessionStoreContract, type SessionStoreSubject, VirtualClock } from '../../../src/testing/index.ts'
import { createOwnSessionStore, type OwnSessions } from '../../fixtures/own-session-store.ts'
import { createModelSessionStore, ModelData } from '../../fixtures/model-session-store.ts'

const startAt = 1_700_000_000_000

function ownSubject(options: SessionStoreOptions): SessionStoreSubject {
  const clock = new VirtualClock({ startAt })
  const sessions: OwnSessions = new Map()
  const open = (given: SessionStoreOptions): SessionStore =>
    createOwnSessionStore(given, sessions, () => clock.wallTime())
  return {
    store: open(options),
    now: () => clock.wallTime(),
    advance: (ms) => clock.advance(ms),
    reopen: open,
  }
}

for (const check of [
  ...sessionStoreContract("somebody else's", ownSubject, { encryption: false }),
  ...sessionStoreContract('the model', (options) => {
    const [clock, data] = [new VirtualClock({ startAt }), new ModelData()]
    return {
      store: createModelSessionStore({ ...options, clock, data }),
      now: () => clock.wallTime(),
      advance: (ms) => clock.advance(ms),
      reopen: (others) => createModelSessionStore({ ...others, clock, data }),
      written: () => data.bytes(),
    }
  }),
  ...sessionStoreContract('SQLite', (options) => {
    const clock = new VirtualClock({ startAt })
    const folder = mkdtempSync(join(tmpdir(), 'spillway-sessions-'))
    const file = join(folder, 'sessions.db')
    return {
      store: createSqliteSessionStore({ ...options, clock, file }),
      now: () => clock.wallTime(),
      advance: (ms) => clock.advance(ms),
      reopen: (others) => createSqliteSessionStore({ ...others, clock, file }),
      written: () => Buffer.concat(readdirSync(folder).map((name) => readFileSync(join(folder, name)))),
      dispose: () => {
        rmSync(folder, { recursive: true })
        return Promise.resolve()
      },
    }
  }),
]) {
  test(check.name, check.run)
}
