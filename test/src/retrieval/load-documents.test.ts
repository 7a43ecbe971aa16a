import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Logger, silentLogger } from '../../../src/logger.ts'
import { loadDocuments, type LoadOptions } from '../../../src/retrieval/load-documents.ts'
import { RetrievalError } from '../../../src/retrieval/retrieval-error.ts'
import type { SourceDocument } from '../../../src/retrieval/retriever.ts'

let root: string
let warnings: { path: string; error?: string; message: string | undefined }[]
let logger: Logger

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'spillway-documents-'))
  warnings = []
  logger = {
    ...silentLogger,
    warn: (fields, message) => void warnings.push({ ...(fields as { path: string; error?: string }), message }),
  }
})

afterEach(() => {
  rmSync(root, { recursive: true })
})

const write = (name: string, content: string | Uint8Array = name): string => {
  mkdirSync(dirname(join(root, name)), { recursive: true })
  writeFileSync(join(root, name), content)
  return join(root, name)
}
const load = async (paths: readonly string[], options: LoadOptions = {}): Promise<SourceDocument[]> => {
  const documents: SourceDocument[] = []
  for await (const document of loadDocuments(paths, { root, logger, ...options })) documents.push(document)
  return documents
}
const names = async (paths: readonly string[]): Promise<string[]> => (await load(paths)).map(({ source }) => source)

describe('what is loaded', () => {
  test('Markdown and text of a folder and those below, by name', async () => {
    for (const name of ['b.md', 'a/z.txt', 'a/B.MARKDOWN', 'c.md', 'image.png', 'md', 'code.ts']) write(name)
    expect(await load([root])).toEqual([
      { source: 'a/B.MARKDOWN', text: 'a/B.MARKDOWN' },
      { source: 'a/z.txt', text: 'a/z.txt' },
      { source: 'b.md', text: 'b.md' },
      { source: 'c.md', text: 'c.md' },
    ])
    expect(warnings).toEqual([])
  })

  test('not node_modules nor names with a dot, unless they are named themselves', async () => {
    for (const name of ['node_modules/x/README.md', '.git/a.md', '.hidden.md', 'sub/node_modules/b.md', 'd.md']) {
      write(name)
    }
    expect(await names([root])).toEqual(['d.md'])
    expect(await names([join(root, '.git'), join(root, '.hidden.md')])).toEqual(['.git/a.md', '.hidden.md'])
  })

  test('in the order of the paths, each file once', async () => {
    for (const name of ['docs/a.md', 'docs/b.md', 'README.md']) write(name)
    const paths = [join(root, 'docs', 'b.md'), join(root, 'docs'), join(root, 'README.md'), root]
    expect(await names(paths)).toEqual(['docs/b.md', 'docs/a.md', 'README.md'])
  })

  test('links are followed, but neither in circles nor to what was met before', async () => {
    write('docs/a.md')
    write('elsewhere/b.md')
    symlinkSync(join(root, 'docs'), join(root, 'docs', 'loop'))
    symlinkSync(join(root, 'elsewhere'), join(root, 'docs', 'linked'))
    symlinkSync(join(root, 'docs', 'a.md'), join(root, 'docs', 'same.md'))
    expect(await names([join(root, 'docs')])).toEqual(['docs/a.md', 'docs/linked/b.md'])
    expect(warnings).toEqual([])
  })

  test('names are relative to the root, also outside it', async () => {
    write('docs/a.md')
    const [document] = await load([join(root, 'docs')], { root: join(root, 'other') })
    expect(document?.source).toBe('../docs/a.md')
  })

  test('bytes that are not UTF-8 are replaced, with a warning', async () => {
    const path = write('latin.txt', Uint8Array.from([0x63, 0x61, 0x66, 0xe9]))
    expect(await load([root])).toEqual([{ source: 'latin.txt', text: 'caf\ufffd' }])
    expect(warnings).toEqual([{ path, message: 'document is not valid UTF-8: its invalid bytes are replaced' }])
  })
})

describe('what is not', () => {
  test('a path that does not exist is an error that names it', async () => {
    const path = join(root, 'missing')
    const loading = load([path])
    await expect(loading).rejects.toBeInstanceOf(RetrievalError)
    await expect(loading).rejects.toMatchObject({ code: 'retrieval_failed', path, message: `${path}: does not exist` })
  })

  test('a file of another kind that was named is an error', async () => {
    const path = write('image.png')
    await expect(load([path])).rejects.toThrow(`${path}: is not a folder and not a .md, .markdown or .txt file`)
  })

  test('a file that is too large is left out of a folder, and an error when it was named', async () => {
    const path = write('large.md', 'x'.repeat(101))
    write('small.md', 'x'.repeat(100))
    const documents = await load([root], { maxBytes: 100 })
    expect(documents.map(({ source }) => source)).toEqual(['small.md'])
    expect(warnings).toMatchObject([{ path, message: 'document left out' }])
    expect(warnings[0]?.error).toBe(`${path}: has 101 bytes, more than maxBytes (100)`)
    await expect(load([path], { maxBytes: 100 })).rejects.toThrow(/101 bytes.*maxBytes \(100\)/)
  })

  test('a link that leads nowhere is left out with a warning', async () => {
    write('a.md')
    symlinkSync(join(root, 'gone.md'), join(root, 'link.md'))
    expect(await names([root])).toEqual(['a.md'])
    expect(warnings).toMatchObject([{ path: join(root, 'link.md'), message: 'document left out' }])
  })

  test('a warning says what is wrong in a real log, too', async () => {
    symlinkSync(join(root, 'gone.md'), join(root, 'link.md'))
    let line = ''
    await load([root], { logger: pino({ base: null }, { write: (text: string) => void (line += text) }) })
    const path = join(root, 'link.md')
    expect(JSON.parse(line)).toMatchObject({
      path,
      code: 'retrieval_failed',
      error: `${path}: does not exist`,
      msg: 'document left out',
    })
  })

  test('an empty path is refused and not taken for the working directory', () => {
    expect(() => loadDocuments([root, ''])).toThrow('paths[1] must not be empty')
  })

  test('bad options are refused at once', () => {
    expect(() => loadDocuments([], { maxBytes: 0 })).toThrow(/maxBytes.*1 to 100000000.*0/)
    expect(() => loadDocuments([], { maxbytes: 1 } as LoadOptions)).toThrow(/maxbytes/)
  })
})
