import { checkKeys, checkOneOf, checkText, show } from '../../operators/index.ts'
import { type CustomRecogniser, customRecogniser } from './custom-recogniser.ts'
import { email } from './email.ts'
import { iban } from './iban.ts'
import { ipv4 } from './ipv4.ts'
import { ipv6 } from './ipv6.ts'
import { keptText } from './kept-text.ts'
import { paymentCard } from './payment-card.ts'
import { phone } from './phone.ts'
import type { Recogniser } from './recogniser.ts'
import { usSsn } from './us-ssn.ts'

/** What is put in the place of personal data. */
export type RedactionMode = 'mask' | 'remove' | 'hash' | 'off'

/** All modes. */
export const redactionModes: readonly RedactionMode[] = ['mask', 'remove', 'hash', 'off']

/** The kinds of personal data that are recognised without further ado. */
export type RedactionKind = 'email' | 'phone' | 'card' | 'iban' | 'ssn' | 'ip'

/** All kinds. */
export const redactionKinds: readonly RedactionKind[] = ['email', 'phone', 'card', 'iban', 'ssn', 'ip']

/** What is looked for, and what becomes of it. */
export interface RedactionOptions {
  /**
   * What becomes of what is found: `mask` puts its kind there (`[email]`), `remove` nothing, `hash` the kind and a
   * digest that is the same for equal values (`[email:kbhoapdcmfgn]`), `off` leaves it; default `'mask'`.
   */
  readonly mode?: RedactionMode
  /** Where a kind's mode differs from `mode`, also for kinds of `recognisers`; default: nowhere. */
  readonly kinds?: Readonly<Record<string, RedactionMode>>
  /** Recognisers beside the built-in ones; default none. */
  readonly recognisers?: readonly CustomRecogniser[]
  /** The secret that digests are made with, 16 characters or more; default: a random one for each process. */
  readonly hashKey?: string
  /** Whether a masked card keeps its last four digits, as in `[card 1111]`; default `false`. */
  readonly keepLast4?: boolean
  /**
   * Texts that stay wherever they stand by themselves, each of 1 … 1,024 UTF-16 code units, e.g. the addresses of
   * servers of your own in a log; default none.
   */
  readonly keep?: readonly string[]
}

/** The options, checked and complete. */
export interface RedactionSettings {
  /** Those whose mode is not `off`. Of equally long entities that of the first is taken. */
  readonly recognisers: readonly Recogniser[]
  readonly modeOf: (kind: string) => RedactionMode
  readonly hashKey: string | undefined
  readonly keepLast4: boolean
  /** Finds the texts that stay. */
  readonly kept: readonly Recogniser[]
}

const builtIn: readonly Recogniser[] = [email, iban, paymentCard, usSsn, ipv4, ipv6, phone]

/** @throws TypeError or RangeError naming the option, its value and what is allowed. */
export function redactionSettings(options: RedactionOptions): RedactionSettings {
  checkKeys('redact', options, ['mode', 'kinds', 'recognisers', 'hashKey', 'keepLast4', 'keep'])
  const { kinds = {}, hashKey, keepLast4 = false } = options
  const mode = checkOneOf('mode', options.mode ?? 'mask', redactionModes)
  const own = checkRecognisers(options.recognisers ?? [])
  checkKeys('kinds', kinds, [...redactionKinds, ...own.map(({ kind }) => kind)])
  const modes = new Map(
    Object.entries(kinds).map(([kind, value]) => [kind, checkOneOf(`kinds.${kind}`, value, redactionModes)]),
  )
  if (hashKey !== undefined) checkHashKey('hashKey', hashKey)
  if (typeof keepLast4 !== 'boolean') throw new TypeError(`keepLast4 must be true or false, got ${show(keepLast4)}`)
  const modeOf = (kind: string): RedactionMode => modes.get(kind) ?? mode
  return {
    // A user's own come first: they say what they mean.
    recognisers: [...own, ...builtIn].filter(({ kind }) => modeOf(kind) !== 'off'),
    modeOf,
    hashKey,
    keepLast4,
    kept: checkKept(options.keep ?? []).map(keptText),
  }
}

/** A secret that is worth the name; the message does not show it. */
export function checkHashKey(option: string, hashKey: string): void {
  const { length } = checkText(option, hashKey)
  if (length < 16) throw new RangeError(`${option} must have 16 characters or more, got ${length}`)
}

function checkKept(given: unknown): readonly string[] {
  if (!Array.isArray(given)) throw new TypeError(`keep must be an array, got ${show(given)}`)
  return given.map((text: unknown, index) => {
    const { length } = checkText(`keep[${index}]`, text)
    if (length > 1024) throw new RangeError(`keep[${index}] must have at most 1024 characters, got ${length}`)
    return text as string
  })
}

function checkRecognisers(given: unknown): readonly Recogniser[] {
  if (!Array.isArray(given)) throw new TypeError(`recognisers must be an array, got ${show(given)}`)
  const recognisers = given.map((recogniser: CustomRecogniser, index) =>
    customRecogniser(`recognisers[${index}]`, recogniser),
  )
  for (const [index, { kind }] of recognisers.entries()) {
    if (redactionKinds.some((known) => known === kind)) {
      throw new RangeError(`recognisers[${index}].kind must not be a built-in one, got ${show(kind)}`)
    }
  }
  return recognisers
}
