import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createSqliteRetriever } from '../../src/retrieval/sqlite-retriever.ts'
import { runSpillway } from './spillway-process.ts'

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
let root: string
let docs: string
const children: ChildProcess[] = []
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'spillway-ingest-'))
  docs = join(root, 'docs')
  mkdirSync(docs)
})
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  rmSync(root, { recursive: true })
})

interface Report {
  readonly index: string
  readonly documents: number
  readonly added: number
  readonly changed: number
  readonly unchanged: number
  readonly removed: number
  readonly leftOut: readonly { readonly source: string; readonly reason: string }[]
}

function write(count: number, words = 'reservoir'): void {
  for (let at = 0; at < count; at++) {
    writeFileSync(join(docs, `${at}.md`), `# Document ${at}\n\n${`The ${words} of number ${at}. `.repeat(20)}`)
  }
}

function start(...args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, ['--conditions=source', main, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  return child
}

const ingest = async (dataDir: string): Promise<{ code: number | null; report: Report }> => {
  const { code, stdout } = await runSpillway(['ingest', docs, '--data-dir', join(root, dataDir), '--json'])
  return { code, report: JSON.parse(stdout) as Report }
}

const reports = (child: ChildProcess): AsyncIterator<string> => createInterface(child.stdout!)[Symbol.asyncIterator]()
const next = async (lines: AsyncIterator<string>): Promise<Report> =>
  JSON.parse(((await lines.next()) as { value: string }).value) as Report

/** All that is in an index, to compare it with another. */
async function contentOf(file: string): Promise<unknown> {
  const index = createSqliteRetriever({ path: file })
  try {
    const digests = [...(await index.digests())].sort()
    const passages = await index.search('reservoir', { topK: 100 })
    return { digests, passages: passages.map(({ source, text }) => `${source} ${text}`).sort() }
  } finally {
    await index.close()
  }
}

test('killed at any time and run again, an ingest gives the index of one that was left alone', async () => {
  write(300)
  const { report: clean } = await ingest('clean')
  expect(clean).toMatchObject({ documents: 300, added: 300 })
  for (const wait of [0, 2, 5]) {
    const child = start('ingest', docs, '--data-dir', join(root, 'killed'))
    // From the moment when the index is being written.
    const file = join(root, 'killed', clean.index.split('/').at(-1)!)
    let written = 0
    while (child.exitCode === null && written <= wait) {
      written = groupsIn(file)
      await new Promise((resolve) => setImmediate(resolve))
    }
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  }
  const { code, report } = await ingest('killed')
  expect(code).toBe(0)
  expect(report).toMatchObject({ documents: 300, changed: 0, removed: 0 })
  expect(await contentOf(report.index)).toEqual(await contentOf(clean.index))
})

/** How many groups of documents an index has, which another process may be writing to. */
function groupsIn(file: string): number {
  if (!existsSync(file)) return 0
  const database = new DatabaseSync(file, { readOnly: true })
  try {
    const count = Number(database.prepare('SELECT count(*) AS count FROM documents').get()?.['count'])
    return Math.floor(count / 32)
  } catch {
    // It is being made.
    return 0
  } finally {
    database.close()
  }
}

test('one process follows the documents, another serves what it finds', async () => {
  write(3)
  const dataDir = join(root, 'data')
  const watcher = start('ingest', docs, '--data-dir', dataDir, '--watch', '--json')
  const lines = reports(watcher)
  const first = await next(lines)
  expect(first).toMatchObject({ documents: 3, added: 3 })
  const server = start('serve', '--port', '0', '--docs', docs, '--data-dir', dataDir, '--log-level', 'silent')
  let url: string | undefined
  for await (const line of createInterface(server.stdout!)) {
    url = /listening on (http:\S+)/.exec(line)?.[1]
    if (url !== undefined) break
  }
  const answer = async (question: string): Promise<string> => {
    const body = JSON.stringify({ messages: [{ role: 'user', content: question }] })
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
    return await response.text()
  }
  expect(await answer('Where is the turbine?')).not.toContain('turbine of')
  // As editors write: beside it, and then over it.
  writeFileSync(join(docs, '.1.md.swp'), '# Document 1\n\nThe turbine of the powerhouse.')
  renameSync(join(docs, '.1.md.swp'), join(docs, '1.md'))
  expect(await next(lines)).toMatchObject({ documents: 3, changed: 1, unchanged: 2 })
  expect(await answer('Where is the turbine?')).toContain('The turbine of the powerhouse.')
  watcher.kill('SIGTERM')
  expect(await once(watcher, 'exit')).toEqual([0, null])
  server.kill('SIGTERM')
  expect(await once(server, 'exit')).toEqual([0, null])
})

test('what is left out is told of; the exit code says whether a file that was named could be read', async () => {
  write(1)
  writeFileSync(join(docs, 'bad.md'), 'a\0b')
  for (const name of ['a.docx', 'b.docx', '.hidden.md']) writeFileSync(join(docs, name), 'pears')
  const data = ['--data-dir', join(root, 'data')]
  const folder = await runSpillway(['ingest', docs, ...data])
  expect(folder.code).toBe(0)
  expect(folder.stdout).toMatch(
    /^1 document in .*: 1 added, 0 changed, 0 unchanged, 0 removed, 1 left out; skipped 2 \.docx, 1 dot name\n$/,
  )
  expect(folder.stderr).toBe(`${join(docs, 'bad.md')}: is binary, not text: it has NUL bytes\n`)
  const named = await runSpillway(['ingest', join(docs, 'bad.md'), join(docs, '0.md'), ...data])
  expect(named.code).toBe(1)
  const missing = await runSpillway(['ingest', join(docs, 'gone'), ...data])
  expect(missing).toMatchObject({ code: 1, stdout: '', stderr: `error: ${join(docs, 'gone')}: does not exist\n` })
})
