import { show } from '../../operators/index.ts'
import type { DeadLetterKind } from '../stores/dead-letter-store.ts'

const kinds: readonly unknown[] = ['shed', 'failed', 'expired'] satisfies readonly DeadLetterKind[]

/** @throws TypeError that names the option and the value. */
export function checkDeadLetter(option: string, value: readonly DeadLetterKind[]): readonly DeadLetterKind[] {
  const given: unknown = value
  const fits = Array.isArray(given) && given.length > 0 && given.every((kind) => kinds.includes(kind))
  if (!fits || new Set(value).size < value.length) {
    throw new TypeError(`${option} must list some of "shed", "failed" and "expired", each once, got ${show(value)}`)
  }
  return [...value]
}
