import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type DocumentFollower, followDocuments } from '../../../src/retrieval/follow-documents.ts'
import type { IndexReport } from '../../../src/retrieval/index-report.ts'
import type { DocumentIndex } from '../../../src/retrieval/retriever.ts'
import { createSqliteRetriever } from '../../../src/retrieval/sqlite-retriever.ts'

let root: string
let index: DocumentIndex
let follower: DocumentFollower | undefined
let reports: IndexReport[]
let errors: string[]
let wake = (): void => undefined
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'spillway-follow-'))
  index = createSqliteRetriever({ path: ':memory:' })
  reports = []
  errors = []
})
afterEach(async () => {
  await follower?.close()
  await index.close()
  rmSync(root, { recursive: true, force: true })
})

const write = (name: string, text = name): void => {
  writeFileSync(join(root, name), text)
}
const follow = (path = root, writes: DocumentIndex = index): void => {
  follower = followDocuments(writes, [path], {
    root,
    onReport: (report) => {
      reports.push(report)
      wake()
    },
    onError: (error) => {
      errors.push((error as Error).message)
      wake()
    },
  })
}
/** When the index holds what it should. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (;;) {
    // Before the condition is looked at, so that what is reported meanwhile is not missed.
    const woken = new Promise<void>((resolve) => {
      wake = resolve
    })
    if (await condition()) return
    await woken
  }
}
const holds = async (...names: readonly string[]): Promise<void> => {
  await until(async () => (await index.sources()).join() === names.join())
}

test('changes, additions, renames and removals are followed', async () => {
  write('a.md', 'apples')
  follow()
  await holds('a.md')
  mkdirSync(join(root, 'sub'))
  write('sub/b.md', 'bananas')
  await holds('a.md', 'sub/b.md')
  renameSync(join(root, 'sub'), join(root, 'tub'))
  await holds('a.md', 'tub/b.md')
  write('.a.md.tmp', 'apricots')
  renameSync(join(root, '.a.md.tmp'), join(root, 'a.md'))
  await until(async () => (await index.search('apricots')).length === 1)
  rmSync(join(root, 'a.md'))
  await holds('tub/b.md')
  expect(errors).toEqual([])
})

test('a thousand changes at once are few updates, and each file is written once', async () => {
  let groups = 0
  const counting: DocumentIndex = {
    ...index,
    add: (documents) => {
      groups += 1
      return index.add(documents)
    },
  }
  follow(root, counting)
  await until(() => reports.length === 1)
  for (let at = 0; at < 1_000; at++) write(`${at}.txt`)
  await until(async () => (await index.sources()).length === 1_000)
  expect(reports.reduce((sum, { added, changed }) => sum + added + changed, 0)).toBeLessThanOrEqual(1_100)
  expect(groups).toBeLessThan(100)
})

test('what changes right after the first report is not missed, while many begin to watch', async () => {
  const names = Array.from({ length: 20 }, (_, at) => `${at}`)
  const followed = names.map(async (name) => {
    mkdirSync(join(root, name))
    const own = createSqliteRetriever({ path: ':memory:' })
    let heard = (): void => undefined
    const report = (): Promise<void> =>
      new Promise((resolve) => {
        heard = resolve
      })
    const first = report()
    const one = followDocuments(own, [join(root, name)], {
      root,
      onReport: () => {
        heard()
      },
      onError: (error) => errors.push((error as Error).message),
    })
    await first
    const second = report()
    write(`${name}/late.md`)
    await second
    expect(await own.sources()).toEqual([`${name}/late.md`])
    await one.close()
    await own.close()
  })
  await Promise.all(followed)
  expect(errors).toEqual([])
})

test('a callback that throws ends nothing', async () => {
  const heard: string[] = []
  follower = followDocuments(index, [root], {
    root,
    onReport: () => {
      throw new Error('no report')
    },
    onError: (error) => {
      heard.push((error as Error).message)
      wake()
      throw new Error('no error')
    },
  })
  await until(() => heard.length === 1)
  write('a.md')
  await until(() => heard.length === 2)
  expect(heard).toEqual(['no report', 'no report'])
  expect(await index.sources()).toEqual(['a.md'])
})

test('a path that goes and comes back is an error and then followed again', async () => {
  mkdirSync(join(root, 'docs'))
  write('docs/a.md')
  follow(join(root, 'docs'))
  await holds('docs/a.md')
  rmSync(join(root, 'docs'), { recursive: true })
  await until(() => errors.length > 0)
  expect(errors[0]).toBe(`${join(root, 'docs')}: does not exist`)
  mkdirSync(join(root, 'docs'))
  write('docs/b.md')
  await holds('docs/b.md')
})

test('after it is closed nothing is followed', async () => {
  write('a.md')
  follow()
  await holds('a.md')
  await follower?.close()
  const count = reports.length
  write('b.md')
  await follower?.close()
  expect(await index.sources()).toEqual(['a.md'])
  expect(reports).toHaveLength(count)
})
