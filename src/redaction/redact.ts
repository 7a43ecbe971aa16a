import { type ChunkFilter, textFilter } from '../stages/chunk-filter.ts'
import type { RedactionOptions } from './redaction-options.ts'
import { redactor } from './redactor.ts'

/**
 * A filter of answers that takes personal data out of what their readers see: text, reasoning and refusal, each by
 * itself. The arguments of tool calls stay: a program is to run with them.
 *
 * Counted by kind in the metric `redactions_total`. Text is held back only from a place on where an entity may
 * begin until that is decided: a word, or a number with what follows it, at most 257 characters, or as many as the
 * longest of your own recognisers has.
 *
 * @throws TypeError or RangeError naming the option, its value and what is allowed.
 *
 * @example
 * ```ts
 * .stage('post', post({ filters: [redact({ mode: 'hash', hashKey })] }), { capacity: 1024 })
 * ```
 */
export function redact(options: RedactionOptions = {}): ChunkFilter {
  const { stream } = redactor(options)
  return textFilter(({ meter }) => stream((kind) => meter.count('redactions', kind)))
}
