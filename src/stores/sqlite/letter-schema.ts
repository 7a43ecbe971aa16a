import type { StoreSchema } from './store-file.ts'

/**
 * Times are milliseconds since 1970-01-01 UTC, with a fraction. `key` is the digest of `submission_id`, which is there
 * in plain text, so that an entry whose body cannot be read has a name; `session` is the digest of the session. `bytes` is
 * what body and error take. Bodies never change, and are apart, because a row is written anew when anything in it
 * changes. `done` remembers what was acked, and by which lease. `figures` is one row.
 */
export const letterSchema: StoreSchema = {
  name: 'store of dead letters',
  applicationId: 0x7370776c,
  version: 1,
  tables: `
    CREATE TABLE letters (
      id INTEGER PRIMARY KEY,
      key TEXT NOT NULL UNIQUE,
      submission_id TEXT NOT NULL,
      pipeline TEXT NOT NULL,
      session TEXT,
      stage TEXT NOT NULL,
      kind TEXT NOT NULL,
      reason TEXT NOT NULL,
      first_seen_at REAL NOT NULL,
      last_seen_at REAL NOT NULL,
      state TEXT NOT NULL,
      state_at REAL NOT NULL,
      attempts INTEGER NOT NULL,
      epoch INTEGER NOT NULL,
      replays INTEGER NOT NULL,
      token TEXT,
      digest TEXT NOT NULL,
      bytes INTEGER NOT NULL,
      error BLOB
    );
    CREATE INDEX letters_by_state ON letters (state, state_at, key, session, pipeline, first_seen_at);
    CREATE INDEX letters_by_state_and_time ON letters (state, first_seen_at, key);
    CREATE INDEX letters_by_time ON letters (first_seen_at, key);
    CREATE INDEX letters_by_session ON letters (session, first_seen_at, key) WHERE session IS NOT NULL;
    CREATE INDEX letters_leased ON letters (session) WHERE state = 'leased';
    CREATE TABLE bodies (
      id INTEGER PRIMARY KEY REFERENCES letters (id) ON DELETE CASCADE,
      payload BLOB NOT NULL
    );
    CREATE TABLE done (
      key TEXT PRIMARY KEY,
      digest TEXT NOT NULL,
      epoch INTEGER NOT NULL,
      token TEXT NOT NULL,
      done_at REAL NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX done_by_time ON done (done_at, key);
    CREATE TABLE figures (
      due INTEGER NOT NULL DEFAULT 0,
      leased INTEGER NOT NULL DEFAULT 0,
      dead INTEGER NOT NULL DEFAULT 0,
      bytes INTEGER NOT NULL DEFAULT 0,
      done INTEGER NOT NULL DEFAULT 0,
      stored INTEGER NOT NULL DEFAULT 0,
      rejected INTEGER NOT NULL DEFAULT 0,
      acked INTEGER NOT NULL DEFAULT 0,
      died INTEGER NOT NULL DEFAULT 0,
      replayed INTEGER NOT NULL DEFAULT 0,
      evicted INTEGER NOT NULL DEFAULT 0,
      expired INTEGER NOT NULL DEFAULT 0,
      purged INTEGER NOT NULL DEFAULT 0
    );
    INSERT INTO figures DEFAULT VALUES;
  `,
  synchronous: 'FULL',
}
