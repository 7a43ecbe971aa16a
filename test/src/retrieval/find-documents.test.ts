import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { findDocuments, type FoundDocuments } from '../../../src/retrieval/find-documents.ts'
import { openDocumentFormats } from '../../../src/retrieval/formats/document-formats.ts'
import { RetrievalError } from '../../../src/retrieval/retrieval-error.ts'

let root: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'spillway-documents-'))
})

afterEach(() => {
  rmSync(root, { recursive: true })
})

const write = (name: string, content: string | Uint8Array = name): string => {
  mkdirSync(dirname(join(root, name)), { recursive: true })
  writeFileSync(join(root, name), content)
  return join(root, name)
}
const find = (paths: readonly string[], from = root): Promise<FoundDocuments> =>
  findDocuments(paths, from, openDocumentFormats())
const names = async (paths: readonly string[]): Promise<string[]> =>
  (await find(paths)).files.map(({ source }) => source)

describe('what is found', () => {
  test('documents of a folder and those below, by name, each with its format', async () => {
    for (const name of ['b.md', 'a/z.txt', 'a/B.MARKDOWN', 'c.HTML', 'd.pdf', 'image.png', 'md', 'code.ts']) write(name)
    const { files, leftOut, skipped } = await find([root])
    expect(files.map(({ source, format }) => `${source} ${format.name}`)).toEqual([
      'a/B.MARKDOWN markdown',
      'a/z.txt text',
      'b.md markdown',
      'c.HTML html',
      'd.pdf pdf',
    ])
    expect(leftOut).toEqual([])
    expect(skipped).toEqual({ '.png': 1, '.ts': 1, 'no ending': 1 })
  })

  test('not node_modules nor names with a dot, unless they are named themselves', async () => {
    for (const name of ['node_modules/x/README.md', '.git/a.md', '.hidden.md', 'sub/node_modules/b.md', 'd.md']) {
      write(name)
    }
    expect(await names([root])).toEqual(['d.md'])
    expect((await find([root])).skipped).toEqual({ 'dot name': 2, node_modules: 2 })
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
    const { files, leftOut } = await find([join(root, 'docs')])
    expect(files.map(({ source }) => source)).toEqual(['docs/a.md', 'docs/linked/b.md'])
    expect(leftOut).toEqual([])
  })

  test('names are relative to the root, also outside it', async () => {
    write('docs/a.md')
    const { files } = await find([join(root, 'docs')], join(root, 'other'))
    expect(files[0]?.source).toBe('../docs/a.md')
  })
})

describe('what is not', () => {
  test('a path that does not exist is an error that names it', async () => {
    const path = join(root, 'missing')
    const finding = find([path])
    await expect(finding).rejects.toBeInstanceOf(RetrievalError)
    await expect(finding).rejects.toMatchObject({ code: 'retrieval_failed', path, message: `${path}: does not exist` })
  })

  test('a file of another kind that was named is an error', async () => {
    const path = write('image.png')
    await expect(find([path])).rejects.toThrow(
      `${path}: is not a folder and not a .md, .markdown, .txt, .text, .html, .htm, .xhtml or .pdf file`,
    )
  })

  test('links that lead nowhere are told of where they could have been documents', async () => {
    write('a.md')
    for (const name of ['link.md', 'link', 'link.so']) symlinkSync(join(root, 'gone'), join(root, name))
    const { files, leftOut, skipped } = await find([root])
    expect(files.map(({ source }) => source)).toEqual(['a.md'])
    expect(skipped).toEqual({ '.so': 1 })
    const reason = 'is a link that leads nowhere, or has just been deleted'
    expect(leftOut).toEqual(
      ['link', 'link.md'].map((source) => ({
        path: join(root, source),
        source,
        reason,
        isNamed: false,
        isKept: false,
      })),
    )
  })
})
