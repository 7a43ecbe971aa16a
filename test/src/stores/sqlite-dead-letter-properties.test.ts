import { test } from 'vitest'
import { scaled } from '../../effort.ts'
import { sqliteSubject } from './sqlite-subject.ts'
import { playDeadLetterStore } from './dead-letter-commands.ts'

test('whatever is done, SQLite answers like the model and has the same entries and figures', async () => {
  await playDeadLetterStore(sqliteSubject, { virtual: true, numRuns: scaled(100) })
})
