import { createHmac, randomBytes } from 'node:crypto'
import type { Replacement } from './redaction-engine.ts'
import type { RedactionSettings } from './redaction-options.ts'

/** 12 of 16 letters, 48 bits: of a million different values two are the same with a chance of 0.2 %. */
const digestLength = 12

/** Makes what stands in the place of an entity, by the mode of its kind. */
export function placeholders({ modeOf, hashKey, keepLast4 }: RedactionSettings): Replacement {
  return ({ kind, normalise = same }, entity) => {
    const mode = modeOf(kind)
    if (mode === 'remove') return ''
    if (mode === 'hash') return `[${kind}:${digest(hashKey ?? processKey(), kind, normalise(entity))}]`
    return keepLast4 && kind === 'card' ? `[card ${normalise(entity).slice(-4)}]` : `[${kind}]`
  }
}

function same(entity: string): string {
  return entity
}

/** Letters only, so that no digest reads like another entity. */
function digest(key: string, kind: string, value: string): string {
  const hex = createHmac('sha256', key).update(`${kind}\0${value}`).digest('hex')
  return hex.slice(0, digestLength).replaceAll(/\d/g, (digit) => lettersOfDigits.charAt(Number(digit)))
}

const lettersOfDigits = 'ghijklmnop'

let ofProcess: string | undefined

/** One for the whole process, so that the digests of answers and of log lines can be compared. */
function processKey(): string {
  ofProcess ??= randomBytes(32).toString('hex')
  return ofProcess
}
