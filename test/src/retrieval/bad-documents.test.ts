import { Buffer } from 'node:buffer'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { silentLogger } from '../../../src/logger.ts'
import { indexDocuments } from '../../../src/retrieval/index-documents.ts'
import type { DocumentIndex } from '../../../src/retrieval/retriever.ts'
import { createSqliteRetriever } from '../../../src/retrieval/sqlite-retriever.ts'
import { encryptedPdf, pdfOf } from '../../fixtures/pdf.ts'

let root: string
let index: DocumentIndex
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'spillway-bad-'))
  index = createSqliteRetriever({ path: ':memory:' })
})
afterEach(async () => {
  await index.close()
  rmSync(root, { recursive: true })
})

const maxBytes = 8_000_000
const jpeg = Buffer.from('ffd8ffe000104a46494600010100000100010000ffdb004300080606', 'hex')
const utf16 = (text: string): Buffer => Buffer.from(`\ufeff${text}`, 'utf16le')
const put =
  (content: string | Uint8Array) =>
  (path: string): void =>
    writeFileSync(path, content)

/** Left out, with this reason. */
const bad: [string, string, (path: string) => void, string][] = [
  ['an empty file', 'b.md', put(''), 'is empty'],
  ['white space only', 'b.txt', put(' \n\t\r\n\u00a0'), 'has nothing but white space'],
  ['nothing but a byte order mark', 'b.txt', put('\ufeff'), 'has nothing but white space'],
  ['no words', 'b.md', put('---\n\n***\n'), 'has no words'],
  ['a page without text', 'b.html', put('<p><br><img src=x><script>let a</script>'), 'has nothing but white space'],
  ['NUL bytes', 'b.txt', put('text\0text'), 'is binary, not text: it has NUL bytes'],
  ['a picture called Markdown', 'b.md', put(jpeg), 'is binary, not text: it has NUL bytes'],
  [
    'bytes at random',
    'b.txt',
    put(Uint8Array.from({ length: 500 }, (_, at) => 1 + ((at * 89) % 255))),
    'is not text in UTF-8; save it as UTF-8',
  ],
  [
    'a file that is enormous',
    'b.md',
    put(Buffer.alloc(maxBytes + 1, 'a')),
    `has ${maxBytes + 1} bytes, more than maxBytes (${maxBytes})`,
  ],
  [
    'a link to itself',
    'b.md',
    (path) => {
      symlinkSync(path, path)
    },
    'is a link that leads back to itself',
  ],
  [
    'a link that leads nowhere',
    'b.md',
    (path) => {
      symlinkSync(`${path}.gone`, path)
    },
    'is a link that leads nowhere, or has just been deleted',
  ],
  ['a pipe', 'b.txt', (path) => execFileSync('mkfifo', [path]), 'is not a file but a pipe, a socket or a device'],
  [
    'a link through a file',
    'b.md',
    (path) => {
      symlinkSync(join(path, '..', 'a.md', 'b'), path)
    },
    'does not exist: a part of the path is not a folder',
  ],
  ['a PDF that is none', 'b.pdf', put('%PDF-1.4 and then nothing'), 'is no PDF, or a damaged one'],
  ['half a PDF', 'b.pdf', put(pdfOf([['lost']]).subarray(0, 60)), 'is no PDF, or a damaged one'],
  ['an encrypted PDF', 'b.pdf', put(encryptedPdf()), 'is an encrypted PDF that asks for a password'],
  ['a PDF without text', 'b.pdf', put(pdfOf([[]])), 'is a PDF without text: its pages may be images of a scan'],
  [
    'a name that is not UTF-8',
    '',
    () => {
      writeFileSync(Buffer.concat([Buffer.from(`${root}/b`), Buffer.from([0xff]), Buffer.from('.md')]), 'text')
    },
    'has a name that is not UTF-8; rename it',
  ],
]

/** Strange, but read: this text is found. */
const strange: [string, string, (path: string) => void, string][] = [
  [
    'a few bytes that are not UTF-8',
    'b.txt',
    put(Buffer.concat([Buffer.from('the reservoir caf'), Buffer.from([0xe9])])),
    'the reservoir caf\ufffd',
  ],
  ['UTF-16', 'b.md', put(utf16('# Dam\n\nthe reservoir')), 'the reservoir'],
  ['UTF-16, big end first', 'b.txt', put(utf16('the reservoir').swap16()), 'the reservoir'],
  ['carriage returns for line ends', 'b.md', put('# Dam\r\rthe reservoir\r'), 'the reservoir'],
  [
    'HTML nested 100,000 deep',
    'b.html',
    put(`${'<div><b>'.repeat(100_000)}the reservoir${'</b></div>'.repeat(100_000)}`),
    'the reservoir',
  ],
  [
    'a page that says what it is written in',
    'b.html',
    put(Buffer.from('<meta charset=latin1><p>the reservoir caf\u00e9', 'latin1')),
    'the reservoir café',
  ],
  ['a million lines', 'b.txt', put(`${'x\n'.repeat(1_000_000)}\n\nthe reservoir`), 'the reservoir'],
  ['a line of a megabyte', 'b.md', put(`${'#'.repeat(1_000_000)}\n\nthe reservoir`), 'the reservoir'],
  ['a line feed in its name', 'b\n\u001b[31m.md', put('the reservoir'), 'the reservoir'],
  [
    'a folder called like a document',
    'b.md',
    (path) => {
      mkdirSync(path)
      writeFileSync(join(path, 'c.md'), 'the reservoir')
    },
    'the reservoir',
  ],
  [
    'a folder that links to itself',
    'b',
    (path) => {
      mkdirSync(path)
      symlinkSync(path, join(path, 'loop'))
      writeFileSync(join(path, 'c.md'), 'the reservoir')
    },
    'the reservoir',
  ],
]

const openFiles = (): number => readdirSync('/proc/self/fd').length

test.each(bad)('%s is left out, told of, and the next document is indexed', async (_what, name, make, reason) => {
  for (const good of ['a.md', 'c.md']) writeFileSync(join(root, good), `# ${good}\n\nThe reservoir.`)
  make(join(root, name))
  const warnings: object[] = []
  const logger = { ...silentLogger, warn: (fields: object) => void warnings.push(fields) }
  const before = openFiles()
  const report = await indexDocuments(index, [root], { root, maxBytes, logger })
  expect(report).toMatchObject({
    documents: 2,
    added: 2,
    removed: 0,
    leftOut: [{ reason, isNamed: false, isKept: false }],
  })
  expect(warnings).toEqual([{ path: report.leftOut[0]?.path, reason }])
  expect(await index.sources()).toEqual(['a.md', 'c.md'])
  expect(openFiles()).toBeLessThanOrEqual(before)
})

test.each(strange)('%s is read', async (_what, name, make, text) => {
  writeFileSync(join(root, 'a.md'), '# Another\n\nThe powerhouse.')
  make(join(root, name))
  const report = await indexDocuments(index, [root], { root, maxBytes })
  expect(report).toMatchObject({ documents: 2, added: 2, leftOut: [] })
  const [passage] = await index.search('reservoir')
  expect(passage?.text).toContain(text)
})

test('a document that turns bad is taken out of the index', async () => {
  writeFileSync(join(root, 'a.md'), 'The reservoir.')
  await indexDocuments(index, [root], { root })
  writeFileSync(join(root, 'a.md'), jpeg)
  const report = await indexDocuments(index, [root], { root })
  expect(report).toMatchObject({ documents: 0, removed: 1, leftOut: [{ source: 'a.md', isKept: false }] })
  expect(await index.search('reservoir')).toEqual([])
})

test('a bad document that was named is told apart, and the others are indexed', async () => {
  writeFileSync(join(root, 'a.md'), '')
  writeFileSync(join(root, 'b.md'), 'The reservoir.')
  const report = await indexDocuments(index, [join(root, 'a.md'), join(root, 'b.md')], { root })
  expect(report).toMatchObject({ documents: 1, leftOut: [{ source: 'a.md', reason: 'is empty', isNamed: true }] })
})
