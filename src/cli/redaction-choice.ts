import { checkOneOf } from '../../operators/index.ts'
import {
  checkHashKey,
  type RedactionKind,
  redactionKinds,
  type RedactionMode,
  redactionModes,
  type RedactionOptions,
} from '../redaction/redaction-options.ts'

/** What is to become of personal data in answers and in the log. */
export interface RedactionChoice {
  readonly mode: Exclude<RedactionMode, 'off'>
  readonly kinds: readonly RedactionKind[]
  /** `undefined`: a key that ends with the process. */
  readonly hashKey: string | undefined
}

/**
 * What `--redact`, `--redact-kinds` and the key in the environment say together; `undefined` for no redaction.
 *
 * @throws TypeError or RangeError naming the option, its value and what is allowed.
 */
export function redactionChoice(
  given: { readonly redact?: string; readonly redactKinds?: string },
  hashKey: string | undefined,
): RedactionChoice | undefined {
  const mode = checkOneOf('--redact', given.redact ?? 'off', redactionModes)
  if (hashKey !== undefined) checkHashKey('SPILLWAY_REDACT_KEY', hashKey)
  if (mode === 'off') {
    if (given.redactKinds === undefined) return undefined
    throw new RangeError(
      `--redact-kinds needs --redact, which must be one of "mask", "remove", "hash"; got ${JSON.stringify(given.redactKinds)} without it`,
    )
  }
  const kinds = given.redactKinds?.split(',').map((kind) => checkOneOf('--redact-kinds', kind.trim(), redactionKinds))
  return { mode, kinds: kinds === undefined ? redactionKinds : [...new Set(kinds)], hashKey }
}

/** The choice as options of a redactor. */
export function redactionOptions({ mode, kinds, hashKey }: RedactionChoice): RedactionOptions {
  return {
    mode: 'off',
    kinds: Object.fromEntries(kinds.map((kind) => [kind, mode])),
    ...(hashKey !== undefined && { hashKey }),
  }
}

/** What the user is told of it when the server is up. */
export function describeRedaction(choice: RedactionChoice | undefined): string {
  if (choice === undefined) return 'off (--redact mask takes personal data out of answers and the log)'
  const { mode, kinds, hashKey } = choice
  const passing = mode === 'hash' && hashKey === undefined ? '; the key of the digests ends with this process' : ''
  return `${mode}: ${kinds.join(', ')}${passing}`
}
