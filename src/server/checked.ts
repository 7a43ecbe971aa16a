import type { Refusal } from './refusal.ts'

/** What a check of a caller's input gives: the value, or why it is refused. */
export type Checked<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly refusal: Refusal }

/** The input is good. */
export function accepted<T>(value: T): Checked<T> {
  return { ok: true, value }
}

/** The input is refused. */
export function refused(refusal: Refusal): Checked<never> {
  return { ok: false, refusal }
}
