import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { explained, inTransaction, openStoreFile, type StoreSchema } from '../../../../src/stores/sqlite/store-file.ts'
import { StoreError } from '../../../../src/stores/store-error.ts'

const schema: StoreSchema = {
  name: 'box store',
  applicationId: 77,
  version: 2,
  tables: 'CREATE TABLE boxes (id INTEGER PRIMARY KEY, content TEXT NOT NULL)',
  synchronous: 'NORMAL',
}

let folder: string
let file: string
const opened: DatabaseSync[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-store-'))
  file = join(folder, 'below', 'box.db')
})
afterEach(() => {
  for (const database of opened.splice(0)) if (database.isOpen) database.close()
  rmSync(folder, { recursive: true })
})

function open(changes: Partial<StoreSchema> = {}): DatabaseSync {
  const database = openStoreFile(file, { ...schema, ...changes }, 0)
  opened.push(database)
  return database
}

function contentsOf(database: DatabaseSync): readonly unknown[] {
  return database
    .prepare('SELECT content FROM boxes ORDER BY id')
    .all()
    .map(({ content }) => content)
}

function refusal(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    expect(error).toBeInstanceOf(StoreError)
    return (error as StoreError).message
  }
  throw new Error('expected a StoreError')
}

describe('opening', () => {
  test('makes folder, file and tables, for its owner alone, and finds them again', () => {
    open().exec("INSERT INTO boxes (content) VALUES ('tea')")
    expect(contentsOf(open())).toEqual(['tea'])
    for (const path of [file, `${file}-wal`, `${file}-shm`]) expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  test('a store in memory has no file', () => {
    const database = openStoreFile(':memory:', schema, 0)
    opened.push(database)
    expect(contentsOf(database)).toEqual([])
  })

  test.each([
    ['NORMAL', 1],
    ['FULL', 2],
  ] as const)('synchronous is %s, and the log is written ahead', (synchronous, number) => {
    const database = open({ synchronous })
    expect(database.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: number })
    expect(database.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' })
  })

  test('two that open it first at the same time both find the tables', () => {
    const first = open()
    const second = open()
    first.exec("INSERT INTO boxes (content) VALUES ('a')")
    second.exec("INSERT INTO boxes (content) VALUES ('b')")
    expect(contentsOf(first)).toEqual(['a', 'b'])
  })

  test('refuses another schema version, and leaves it as it is', () => {
    open().exec("INSERT INTO boxes (content) VALUES ('tea')")
    expect(refusal(() => open({ version: 1 }))).toMatch(/box\.db": the box store has schema version 2, expected 1/)
    expect(contentsOf(open())).toEqual(['tea'])
  })

  test("refuses another store's file, or anybody's database", () => {
    open()
    expect(refusal(() => open({ applicationId: 78, name: 'jar store' }))).toMatch(/is a database, but no jar store/)
    const foreign = join(folder, 'foreign.db')
    const database = new DatabaseSync(foreign)
    database.exec('CREATE TABLE other (id)')
    database.close()
    expect(refusal(() => openStoreFile(foreign, schema, 0))).toMatch(/foreign\.db": is a database, but no box store/)
  })

  test('refuses what is no database, a folder, and a place where nothing can be made', () => {
    const text = join(folder, 'text.db')
    writeFileSync(text, 'not a database, but long enough to be read as the head of one. '.repeat(20))
    expect(refusal(() => openStoreFile(text, schema, 0))).toMatch(/the box store is no SQLite database/)
    mkdirSync(join(folder, 'box.d'))
    expect(refusal(() => openStoreFile(join(folder, 'box.d'), schema, 0))).toMatch(/the box store failed: EISDIR/)
    expect(refusal(() => openStoreFile(join(text, 'box.db'), schema, 0))).toMatch(/the box store failed: E/)
  })

  test('a file that was refused can be deleted: no connection is left open', () => {
    open().close()
    refusal(() => open({ version: 1 }))
    // The last connection to close takes these with it.
    expect(() => statSync(`${file}-wal`)).toThrow(/ENOENT/)
  })
})

describe('failures', () => {
  const insert = (database: DatabaseSync, content: string): void => {
    explained(file, schema, () => {
      inTransaction(database, () => database.prepare('INSERT INTO boxes (content) VALUES (?)').run(content))
    })
  }

  test('another process writes', () => {
    const database = open()
    const other = open()
    other.exec('BEGIN IMMEDIATE')
    expect(refusal(() => insert(database, 'tea'))).toMatch(/box\.db": the box store is locked by another process/)
    other.exec('COMMIT')
    insert(database, 'tea')
  })

  test('the file cannot be written', () => {
    const database = open()
    database.exec('PRAGMA query_only = 1')
    expect(refusal(() => insert(database, 'tea'))).toMatch(/cannot be written; check the permissions/)
  })

  test('the disk is full: nothing of the transaction is there, and the next one works', () => {
    const database = open()
    database.exec('PRAGMA max_page_count = 4')
    expect(refusal(() => insert(database, 'x'.repeat(100_000)))).toMatch(/the disk is full/)
    expect(database.isTransaction).toBe(false)
    insert(database, 'tea')
    expect(contentsOf(database)).toEqual(['tea'])
  })

  test('the file is damaged', () => {
    const database = open()
    for (let at = 0; at < 100; at++) insert(database, 'x'.repeat(1000))
    database.close()
    // Behind the head of the file, by which a database is known.
    const descriptor = openSync(file, 'r+')
    writeSync(descriptor, new Uint8Array(8000).fill(0xab), 0, 8000, 100)
    closeSync(descriptor)
    expect(refusal(() => open())).toMatch(/is damaged; move the file away/)
  })

  test('it is closed', () => {
    const database = open()
    database.close()
    expect(refusal(() => insert(database, 'tea'))).toMatch(/the box store is closed/)
  })

  test('what the work itself throws stays as it is, and takes the transaction back', () => {
    const database = open()
    const own = new TypeError('own')
    expect(() =>
      explained(file, schema, () =>
        inTransaction(database, () => {
          database.exec("INSERT INTO boxes (content) VALUES ('tea')")
          throw own
        }),
      ),
    ).toThrow(own)
    expect(contentsOf(database)).toEqual([])
  })
})
