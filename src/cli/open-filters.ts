import { readFile } from 'node:fs/promises'
import { messageOf } from '../message-of.ts'
import type { ChunkFilter } from '../stages/chunk-filter.ts'
import { patternFilter, wordFilter } from '../stages/content-filter.ts'
import type { ServeSettings } from './serve-settings.ts'

/** The filters that every answer goes through: of the words and of the patterns in files, one in a line. */
export async function openFilters({ filters }: Pick<ServeSettings, 'filters'>): Promise<readonly ChunkFilter[]> {
  const { words, patterns, action } = filters
  return [
    ...(words === undefined
      ? []
      : [await fromFile('--filter-words', words, (lines) => wordFilter({ words: lines, action }))]),
    ...(patterns === undefined
      ? []
      : [await fromFile('--filter-patterns', patterns, (lines) => patternFilter({ patterns: lines, action }))]),
  ]
}

/** @throws Error naming the option, the file and what is wrong in it. */
async function fromFile(
  option: string,
  path: string,
  create: (lines: readonly string[]) => ChunkFilter,
): Promise<ChunkFilter> {
  try {
    const text = await readFile(path, 'utf8')
    const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/)
    return create(lines.filter((line) => line.trim() !== ''))
  } catch (error) {
    throw new Error(`${option} ${JSON.stringify(path)} cannot be used: ${messageOf(error)}`, { cause: error })
  }
}
