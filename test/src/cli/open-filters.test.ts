import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { from } from 'rxjs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openFilters } from '../../../src/cli/open-filters.ts'
import type { ChunkFilter } from '../../../src/stages/chunk-filter.ts'
import { post } from '../../../src/stages/post.ts'
import { chunksOf } from '../../fixtures/chunks-of.ts'
import { handlerContext } from '../../fixtures/handler-context.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spillway-filters-'))
})
afterAll(async () => {
  await rm(folder, { recursive: true })
})

async function file(name: string, text: string | Buffer): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, text)
  return path
}

async function opened(given: { words?: string; patterns?: string; action?: 'mask' | 'remove' | 'end' }) {
  const { words, patterns, action = 'mask' } = given
  return openFilters({ filters: { words, patterns, action, maxMatchChars: 8 } })
}

async function answer(filters: readonly ChunkFilter[], text: string): Promise<string> {
  const chunks$ = post({ filters })(from([{ text }]), handlerContext({ request: undefined }))
  return (await chunksOf(chunks$)).map((chunk) => chunk.text).join('')
}

test('words and patterns are read from files, one in a line', async () => {
  const words = await file('words', '\uFEFFsecret\r\n\r\n black cat \n')
  const patterns = await file('patterns', '\\d{3,}\n')
  const { filters, description } = await opened({ words, patterns })
  expect(await answer(filters, `A secret: Black Cat ${'12345'.repeat(100)}`)).toBe('A ***: *** ***')
  expect(description).toBe('2 words and 1 pattern, masked in answers')
})

test('lines that begin with # are left out, and # is what is behind a backslash', async () => {
  const words = await file('words', '# the words\nc#\n  # another\n\\#tag\n')
  const patterns = await file('patterns', '# the patterns\n\\#\\d+\n(?i)no\\.\nA#')
  const { filters, description } = await opened({ words, patterns, action: 'remove' })
  expect(await answer(filters, 'the C# words #tag #12 No. a# A# end')).toBe('the  words    a#  end')
  expect(description).toBe('2 words and 3 patterns, removed from answers')
})

test('nothing is filtered where nothing is asked for', async () => {
  expect(await opened({})).toEqual({ filters: [], description: 'none' })
})

test.each<[string, string | Buffer, RegExp]>([
  [
    'not UTF-8',
    Buffer.from('ok\ncaf\xe9\nx', 'latin1'),
    /" must be text in UTF-8, got the byte 0xE9 at offset 6, in line 2$/,
  ],
  [
    'cut',
    Buffer.from('ok \u20ac').subarray(0, 5),
    /" must be text in UTF-8, got the byte 0xE2 at offset 3, in line 1$/,
  ],
  ['UTF-16', Buffer.from('\uFEFFok', 'utf16le'), /" must be text in UTF-8, got the byte 0xFF at offset 0, in line 1$/],
  [
    'blank',
    '\uFEFF\n  \r\n\n',
    /" must hold at least one word, one in a line; blank lines and those that begin with #/,
  ],
  ['comments', '# one\n', /" must hold at least one word/],
  ['long', `# one\n\n${'a'.repeat(257)}\n`, /": line 3 must be at most 256 long, got 257: "aaa/],
])('a file of words that cannot be used is named, and what is wrong in it: %s', async (name, content, message) => {
  await expect(opened({ words: await file(name, content) })).rejects.toThrow(message)
  await expect(opened({ words: await file(name, content) })).rejects.toThrow(/^--filter-words ".*/)
})

test.each<[string, string, RegExp]>([
  ['bad', '# one\na\n\n(?=b)\n', /bad": line 4 must be a regular expression in RE2's syntax, got "\(\?=b\)"/],
  ['late', 'a\na{9}\n', /late": line 2 must match within 8 characters, got "a\{9\}", which takes 9$/],
  ['none', '#a', /none" must hold at least one pattern/],
])('a file of patterns that cannot be used is named, and the line: %s', async (name, content, message) => {
  const patterns = await file(name, content)
  await expect(opened({ patterns, action: 'end' })).rejects.toThrow(message)
  await expect(opened({ patterns, action: 'end' })).rejects.toThrow(/^--filter-patterns "/)
})

test('what is no file is named', async () => {
  const words = join(folder, 'nothing')
  await expect(opened({ words })).rejects.toThrow(`--filter-words "${words}": does not exist`)
  await expect(opened({ patterns: folder })).rejects.toThrow(`--filter-patterns "${folder}": is a folder, not a file`)
})
