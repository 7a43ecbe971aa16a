import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { IndexReport } from '../../src/retrieval/index-report.ts'
import { startEmbeddingServer } from '../fixtures/embedding-server.ts'
import { runSpillway, type SpillwayProcess, startSpillway } from './spillway-process.ts'

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const asNobody = fileURLToPath(new URL('../fixtures/index-as-nobody.ts', import.meta.url))
let root: string
let docs: string
let spillway: SpillwayProcess | undefined
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'spillway-documents-'))
  docs = join(root, 'docs')
  mkdirSync(docs)
})
afterEach(async () => {
  await spillway?.stop()
  spillway = undefined
  rmSync(root, { recursive: true })
})

const write = (name: string, text: string): void => {
  writeFileSync(join(docs, name), text)
}

async function answer(question: string): Promise<string> {
  const response = await fetch(`${spillway!.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ messages: [{ role: 'user', content: question }] }),
  })
  return ((await response.json()) as { choices: [{ message: { content: string } }] }).choices[0].message.content
}

/** When the answer is as it should be; the documents are followed a moment after they change. */
async function answers(question: string, check: (text: string) => void): Promise<void> {
  await vi.waitFor(async () => check(await answer(question)), { timeout: 20_000, interval: 50 })
}

function indexIn(dataDir: string): string {
  return join(
    dataDir,
    readdirSync(dataDir).find((name) => name.endsWith('.db'))!,
  )
}

function countIn(file: string, table: 'documents' | 'vectors'): number {
  const database = new DatabaseSync(file, { readOnly: true })
  try {
    return Number(database.prepare(`SELECT count(*) AS count FROM ${table}`).get()?.['count'])
  } finally {
    database.close()
  }
}

test('answers of serve --watch-docs follow what is added, changed and deleted', async () => {
  write('dam.md', '# Dam\n\nThe reservoir is 40 metres deep.')
  spillway = await startSpillway(['--docs', docs, '--watch-docs'])
  expect(await spillway.line(/documents/)).toMatch(/ 1 \(.*\), found by words, followed$/)
  expect(await answer('How deep is the reservoir?')).toContain('40 metres deep')
  write('gate.md', '# Gate\n\nThe gate weighs 12 tonnes.')
  await answers('How heavy is the gate?', (text) => expect(text).toContain('12 tonnes'))
  write('dam.md', '# Dam\n\nThe reservoir is 50 metres deep.')
  await answers('How deep is the reservoir?', (text) => expect(text).toContain('50 metres deep'))
  expect(await answer('How deep is the reservoir?')).not.toContain('40 metres deep')
  rmSync(join(docs, 'gate.md'))
  await answers('How heavy is the gate?', (text) => expect(text).not.toContain('12 tonnes'))
  spillway.child.kill('SIGTERM')
  expect(await spillway.exit).toEqual({ code: 0, signal: null })
})

test('serve cuts by --chunk-tokens and reads no more than --max-bytes', async () => {
  write('long.md', `# Long\n\n${'The reservoir is deep. '.repeat(30)}\n`)
  write('large.md', `# Large\n\n${'The turbine is large. '.repeat(100)}\n`)
  const options = ['--chunk-tokens', '32', '--chunk-overlap-tokens', '0', '--max-bytes', '1000']
  spillway = await startSpillway(['--docs', docs, ...options])
  expect(await spillway.line(/documents/)).toMatch(/ 1 \(/)
  const text = await answer('How deep is the reservoir?')
  const passages = text.match(/(?:The reservoir is deep\. ?)+/g)!
  expect(Math.max(...passages.map((passage) => passage.length))).toBeLessThan(200)
  expect(await answer('How large is the turbine?')).not.toContain('The turbine is large.')
})

test('an ingest that is interrupted says how far it is; its index is whole, and the next run completes it', async () => {
  for (let at = 0; at < 1_000; at++) write(`${at}.md`, `# Document ${at}\n\n${'The reservoir is deep. '.repeat(40)}`)
  const args = ['ingest', docs, '--data-dir', join(root, 'data'), '--json']
  const child = spawn(process.execPath, ['--conditions=source', main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let stderr = ''
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()))
  const closed = once(child, 'close')
  await vi.waitFor(() => expect(countIn(indexIn(join(root, 'data')), 'documents')).toBeGreaterThan(0), {
    timeout: 20_000,
    interval: 5,
  })
  child.kill('SIGINT')
  expect(await closed).toEqual([1, null])
  const [, done] = /^SIGINT: stopped after (\d+) of 1000 documents; the next run goes on\n$/.exec(stderr)!
  const { code, stdout } = await runSpillway(args)
  expect(code).toBe(0)
  const report = JSON.parse(stdout) as IndexReport & { readonly index: string }
  expect(report).toMatchObject({ documents: 1_000, changed: 0, removed: 0, leftOut: [] })
  expect(Number(done)).toBeGreaterThan(0)
  expect(report.unchanged).toBeGreaterThanOrEqual(Number(done))
  expect(report.added + report.unchanged).toBe(1_000)
})

test('ingest --embedding-model makes the vectors that a search by meaning compares', async () => {
  write('dam.md', '# Dam\n\nThe reservoir is 40 metres deep.')
  await using server = await startEmbeddingServer()
  const args = ['ingest', docs, '--data-dir', join(root, 'data'), '--embedding-model', 'fixture', '--json']
  const environment = { EMBEDDING_BASE_URL: server.baseUrl, EMBEDDING_API_KEY: 'secret' }
  for (const added of [1, 0]) {
    const { code, stdout, stderr } = await runSpillway(args, environment)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const report = JSON.parse(stdout) as IndexReport & { readonly index: string }
    expect(report).toMatchObject({ documents: 1, added, unchanged: 1 - added })
    expect(countIn(report.index, 'vectors')).toBe(1)
  }
  expect(server.calls).toMatchObject([{ model: 'fixture', input: [expect.stringContaining('40 metres')] }])
  expect(server.tokens).toEqual(['Bearer secret'])
  server.behaviour.status = 500
  write('gate.md', '# Gate\n\nThe gate weighs 12 tonnes.')
  const failed = await runSpillway(args, environment)
  expect(failed).toMatchObject({ code: 1, stdout: '' })
  expect(failed.stderr).toMatch(/^error: worker "openai-embedder": 500 .*\n$/)
})

test('what may not be read is left out, and told of', async () => {
  chmodSync(root, 0o755)
  write('open.md', 'The reservoir.')
  write('secret.md', 'The turbine.')
  chmodSync(join(docs, 'secret.md'), 0)
  mkdirSync(join(docs, 'closed'), 0)
  const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=source', asNobody, docs])
  expect(JSON.parse(stdout)).toMatchObject({
    documents: 1,
    leftOut: [
      { source: 'closed', reason: 'cannot be read: permission denied' },
      { source: 'secret.md', reason: 'cannot be read: permission denied' },
    ],
  })
})
