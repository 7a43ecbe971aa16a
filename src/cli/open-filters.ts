import { show, messageOf } from '../../operators/index.ts'
import type { ChunkFilter } from '../stages/chunk-filter.ts'
import { checkWord, patternFilter, wordFilter } from '../stages/content-filter.ts'
import { checkPattern } from '../stages/pattern-program.ts'
import { type ListEntry, readList } from './read-list.ts'
import type { ServeSettings } from './serve-settings.ts'

/** The filters that every answer goes through. */
export interface OpenedFilters {
  readonly filters: readonly ChunkFilter[]
  /** What they look for and do, in words. */
  readonly description: string
}

/**
 * Makes filters of the words and of the patterns in files, one in a line.
 *
 * @throws Error naming the option, the file, and the line that is wrong.
 */
export async function openFilters({ filters: given }: Pick<ServeSettings, 'filters'>): Promise<OpenedFilters> {
  const { action, maxMatchChars } = given
  const filters: ChunkFilter[] = []
  const counts: string[] = []
  if (given.words !== undefined) {
    const file = `--filter-words ${show(given.words)}`
    const entries = await readList(file, given.words, 'word')
    const words = entries.map(({ text, line }) => ({ text: text.replace(/^\\#/, '#'), line }))
    filters.push(created(file, words, checkWord, (texts) => wordFilter({ words: texts, action })))
    counts.push(counted(words.length, 'word'))
  }
  if (given.patterns !== undefined) {
    const file = `--filter-patterns ${show(given.patterns)}`
    const patterns = await readList(file, given.patterns, 'pattern')
    const check = (option: string, pattern: string): unknown => checkPattern(option, pattern, maxMatchChars)
    const create = (texts: readonly string[]): ChunkFilter => patternFilter({ patterns: texts, action, maxMatchChars })
    filters.push(created(file, patterns, check, create))
    counts.push(counted(patterns.length, 'pattern'))
  }
  return { filters, description: counts.length === 0 ? 'none' : `${counts.join(' and ')}, ${doings[action]}` }
}

const doings = {
  mask: 'masked in answers',
  remove: 'removed from answers',
  end: 'each of which ends an answer',
} as const

function created(
  file: string,
  entries: readonly ListEntry[],
  check: (option: string, text: string) => unknown,
  create: (texts: readonly string[]) => ChunkFilter,
): ChunkFilter {
  try {
    for (const { text, line } of entries) check(`line ${line}`, text)
    return create(entries.map(({ text }) => text))
  } catch (error) {
    // The file is wrong and not the caller: the sentence is all that there is to say.
    throw new Error(`${file}: ${messageOf(error)}`, { cause: error })
  }
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}
