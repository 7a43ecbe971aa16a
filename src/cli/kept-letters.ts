import { checkInteger, show } from '../../operators/index.ts'
import type { DeadLetterKind } from '../stores/index.ts'
import { durationMs } from './dead-letters/moment.ts'

/** What `serve` was told of dead letters, as text. */
export interface KeptLettersArguments {
  /** Separated by commas. */
  readonly deadLetters?: string
  readonly redrive?: boolean
  readonly deadLettersMaxAge?: string
  readonly deadLettersMaxEntries?: string
  readonly deadLettersMaxAttempts?: string
}

/** Which requests a server keeps as dead letters, for how long, and whether it runs them again. */
export interface KeptLetters {
  readonly kinds: readonly DeadLetterKind[]
  readonly redrive: boolean
  readonly maxAgeMs: number
  readonly maxEntries: number
  readonly maxAttempts: number
}

const kinds = ['shed', 'failed', 'expired'] as const satisfies readonly DeadLetterKind[]
/** Who is shed is told when to come back, and a flood of them is no reason to write. */
const usual: readonly DeadLetterKind[] = ['failed', 'expired']

/** How many dead letters a store may hold: whatever puts some must be told the same. */
export const keptEntriesOption = [
  '--dead-letters-max-entries <number>',
  'how many may be kept (default: 100000)',
] as const

/** The options of `serve` for dead letters. */
export const keptLettersOptions: readonly (readonly [flags: string, description: string])[] = [
  [
    '--dead-letters <kinds>',
    'which chat requests are kept to be run again, by how they end: shed,failed,expired or none (default: failed,expired)',
  ],
  ['--redrive', 'run them again while there are places to spare (default)'],
  ['--no-redrive', 'keep them only; what is replayed waits for a server that runs them again'],
  ['--dead-letters-max-age <duration>', 'how old they may become, e.g. 12h (default: 7d)'],
  keptEntriesOption,
  ['--dead-letters-max-attempts <number>', 'how often one is run again before it is given up (default: 5)'],
]

/**
 * Checks the options.
 *
 * @returns `undefined` where none are to be kept.
 * @throws TypeError or RangeError naming the option, its value and what is allowed.
 */
export function keptLetters(given: KeptLettersArguments): KeptLetters | undefined {
  const chosen = given.deadLetters === undefined ? usual : chosenKinds(given.deadLetters)
  const { deadLettersMaxAge: maxAge, deadLettersMaxEntries: maxEntries, deadLettersMaxAttempts: maxAttempts } = given
  if (chosen.length === 0) {
    const others = { '--redrive': given.redrive === true ? '' : undefined, '--dead-letters-max-age': maxAge }
    const more = { '--dead-letters-max-entries': maxEntries, '--dead-letters-max-attempts': maxAttempts }
    const [other] = Object.entries({ ...others, ...more }).find(([, value]) => value !== undefined) ?? []
    if (other === undefined) return undefined
    throw new RangeError(`${other} must not be given together with --dead-letters none, which keeps nothing`)
  }
  return {
    kinds: chosen,
    redrive: given.redrive ?? true,
    maxAgeMs: maxAge === undefined ? 604_800_000 : atLeastOne('--dead-letters-max-age', maxAge),
    maxEntries: keptEntries(maxEntries),
    maxAttempts: whole('--dead-letters-max-attempts', maxAttempts, 5),
  }
}

/**
 * Checks how many may be kept.
 *
 * @throws TypeError or RangeError naming the option, its value and what is allowed.
 */
export function keptEntries(text: string | undefined): number {
  return whole('--dead-letters-max-entries', text, 100_000)
}

function chosenKinds(text: string): readonly DeadLetterKind[] {
  if (text === 'none') return []
  const parts = text.split(',').map((part) => part.trim())
  const found = kinds.filter((kind) => parts.includes(kind))
  if (found.length === parts.length) return found
  throw new RangeError(
    `--dead-letters must be some of ${kinds.join(', ')}, each once and separated by commas, or none, got ${show(text)}`,
  )
}

function whole(option: string, text: string | undefined, otherwise: number): number {
  return text === undefined ? otherwise : checkInteger(option, /^\d+$/.test(text) ? Number(text) : text, { min: 1 })
}

function atLeastOne(option: string, text: string): number {
  return checkInteger(option, durationMs(option, text), { min: 1 })
}
