import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { from } from 'rxjs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openFilters } from '../../../src/cli/open-filters.ts'
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

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, text)
  return path
}

test('words and patterns are read from files, one in a line', async () => {
  const words = await file('words', '\uFEFFsecret\r\n\r\nblack cat\n')
  const patterns = await file('patterns', '\\d{3,}\n')
  const filters = await openFilters({ filters: { words, patterns, action: 'mask' } })
  const chunks$ = post({ filters })(
    from([{ text: 'A secret: Black Cat 12345' }]),
    handlerContext({ request: undefined }),
  )
  expect((await chunksOf(chunks$)).map(({ text }) => text).join('')).toBe('A ***: *** ***')
})

test('nothing is filtered where nothing is asked for', async () => {
  expect(await openFilters({ filters: { words: undefined, patterns: undefined, action: 'mask' } })).toEqual([])
})

test('a file that cannot be used is named, and what is wrong in it', async () => {
  const patterns = await file('bad', 'a\n(?=b)\n')
  await expect(openFilters({ filters: { words: undefined, patterns, action: 'end' } })).rejects.toThrow(
    /--filter-patterns ".*bad" cannot be used: patterns\[1\] must be a regular expression in RE2's syntax/,
  )
  const words = join(folder, 'none')
  await expect(openFilters({ filters: { words, patterns: undefined, action: 'end' } })).rejects.toThrow(
    /--filter-words ".*none" cannot be used: ENOENT/,
  )
})
