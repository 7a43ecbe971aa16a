import { DatabaseSync } from 'node:sqlite'
import { beforeEach, expect, test, vi } from 'vitest'
import { GroupCommit } from '../../../../src/stores/sqlite/group-commit.ts'
import { letterSchema } from '../../../../src/stores/sqlite/letter-schema.ts'

let database: DatabaseSync
let frames: string[]
let commits: GroupCommit
beforeEach(() => {
  database = new DatabaseSync(':memory:')
  database.exec('CREATE TABLE boxes (content TEXT NOT NULL UNIQUE)')
  frames = []
  commits = new GroupCommit(database, 'box.db', letterSchema, {
    begin: () => frames.push('begin'),
    end: () => frames.push('end'),
  })
})

function write(content: string): string {
  database.prepare('INSERT INTO boxes VALUES (?)').run(content)
  return `wrote ${content}`
}

function contents(): readonly unknown[] {
  return database
    .prepare('SELECT content FROM boxes ORDER BY rowid')
    .all()
    .map(({ content }) => content)
}

test('work that arrives together shares a transaction, in order, also what follows from its answers', async () => {
  const chain = async (name: string, hops: number): Promise<string> => {
    await commits.run(undefined, () => write(name))
    for (let hop = 0; hop < hops; hop++) await Promise.resolve()
    return commits.run(undefined, () => write(`${name} again`))
  }
  expect(await Promise.all([chain('a', 0), chain('b', 7), chain('c', 1)])).toEqual([
    'wrote a again',
    'wrote b again',
    'wrote c again',
  ])
  expect(contents()).toEqual(['a', 'b', 'c', 'a again', 'c again', 'b again'])
  expect(frames).toEqual(['begin', 'end', 'begin', 'end'])
})

test('work that throws is taken back alone', async () => {
  const failure = new Error('no')
  const results = await Promise.allSettled([
    commits.run(undefined, () => write('a')),
    commits.run(undefined, () => {
      write('b')
      throw failure
    }),
    commits.run(undefined, () => write('c')),
  ])
  expect(results).toEqual([
    { status: 'fulfilled', value: 'wrote a' },
    { status: 'rejected', reason: failure },
    { status: 'fulfilled', value: 'wrote c' },
  ])
  expect(contents()).toEqual(['a', 'c'])
})

test('work is not done whose signal is aborted while it waits', async () => {
  const controller = new AbortController()
  const work = vi.fn()
  const aborted = commits.run(controller.signal, work)
  const other = commits.run(undefined, () => write('a'))
  const reason = new Error('no longer wanted')
  controller.abort(reason)
  await expect(aborted).rejects.toBe(reason)
  await other
  expect(work).not.toHaveBeenCalled()
  expect(contents()).toEqual(['a'])
})

test('when a transaction cannot even begin all that waits hears of it, once', async () => {
  database.exec('BEGIN')
  const work = vi.fn()
  const results = await Promise.allSettled([commits.run(undefined, work), commits.run(undefined, work)])
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(work).not.toHaveBeenCalled()
  // SQLite's refusal took nothing of whose transaction it was.
  database.exec('COMMIT')
  expect(await commits.run(undefined, () => write('a'))).toBe('wrote a')
})

test('what waits is written at a flush, and nothing is taken once it is closed', async () => {
  const last = commits.run(undefined, () => write('a'))
  commits.flush()
  expect(contents()).toEqual(['a'])
  await last
  database.close()
  await expect(commits.run(undefined, () => write('b'))).rejects.toMatchObject({
    code: 'store_failed',
    message: '"box.db": the store of dead letters is closed',
  })
})
