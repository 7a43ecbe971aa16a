import { checkInteger, checkText, show } from '../../../operators/index.ts'
import type { DeadLetterFilter } from '../../stores/index.ts'
import { keptEntries } from '../kept-letters.ts'
import type { LetterStoreSettings } from '../open-letters.ts'
import { storeSettings } from '../store-settings.ts'
import type { Chosen } from './change-letters.ts'
import { type FilterArguments, letterFilter } from './letter-filter.ts'

/** What `spillway dead-letters …` was given on the command line, as text. */
export interface LetterArguments extends FilterArguments {
  readonly dataDir?: string
  readonly json?: boolean
  readonly limit?: string
  readonly all?: boolean
  readonly dryRun?: boolean
  readonly output?: string
  readonly deadLettersMaxEntries?: string
}

/** What all of the commands need to know. */
export interface LetterSettings extends LetterStoreSettings {
  readonly json: boolean
}

/**
 * Checks what all of the commands take.
 *
 * @throws TypeError or RangeError naming the option, its value and what is allowed.
 */
export function letterSettings(
  given: LetterArguments,
  environment: Readonly<Record<string, string | undefined>>,
): LetterSettings {
  return {
    ...storeSettings(given.dataDir, environment),
    maxEntries: keptEntries(given.deadLettersMaxEntries),
    json: given.json ?? false,
  }
}

/** The filter of a command that means all entries where it is given none. */
export function filterOrAll(given: LetterArguments, now: number): DeadLetterFilter {
  return letterFilter(given, now) ?? {}
}

/** How many to list; `undefined` for all. */
export function listLimit({ limit }: LetterArguments): number | undefined {
  if (limit === undefined) return undefined
  return checkInteger('--limit', /^\d+$/.test(limit) ? Number(limit) : limit, { min: 1 })
}

/**
 * What a change is for: ids or a filter, and everything only where that was said.
 *
 * @throws RangeError that says what to name.
 */
export function chosenLetters(change: string, ids: readonly string[], given: LetterArguments, now: number): Chosen {
  const filter = letterFilter(given, now)
  const all = given.all ?? false
  for (const id of ids) checkText('ID', id)
  const ways = [ids.length > 0 ? 'ids' : '', filter === undefined ? '' : 'a filter', all ? '--all' : '']
  const named = ways.filter((way) => way !== '')
  if (named.length === 0) {
    throw new RangeError(`${change} must be told which: ids, a filter such as --stage inference, or --all; got nothing`)
  }
  if (named.length > 1) {
    throw new RangeError(
      `${change} takes either ids, or filters, or --all, got ${named.join(' and ')}: ${ids.map(show).join(', ')}`,
    )
  }
  return ids.length > 0 ? { ids: [...new Set(ids)] } : { filter: filter ?? {} }
}
