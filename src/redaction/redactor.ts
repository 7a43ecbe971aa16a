import type { TextFilter } from '../stages/text-filter.ts'
import { placeholders } from './placeholder.ts'
import { lookAhead } from './recogniser.ts'
import { RedactionEngine, tableOf } from './redaction-engine.ts'
import { type RedactionOptions, redactionSettings } from './redaction-options.ts'

/** Told of each entity that was replaced: its kind, never its value. */
export type RedactionCounter = (kind: string) => void

/** Takes personal data out of texts; made by `redactor`. */
export interface Redactor {
  /** The text without personal data. */
  readonly redact: (text: string, count?: RedactionCounter) => string
  /** A filter for one text that comes in pieces. */
  readonly stream: (count?: RedactionCounter) => TextFilter
  /** How many UTF-16 code units a stream holds back at the most. */
  readonly holdBack: number
}

/**
 * Makes a redactor, which finds e-mail addresses, telephone numbers, payment cards, IBANs, US Social Security
 * numbers, IP addresses, and what recognisers of your own find.
 *
 * Of entities that overlap the leftmost is taken, of those the longest. What one piece of a stream after the other
 * gives is what `redact` makes of the whole, however it is cut.
 *
 * @throws TypeError or RangeError naming the option, its value and what is allowed.
 *
 * @example
 * ```ts
 * redactor({ kinds: { ip: 'off' } }).redact('ann@example.org at 10.0.0.7') // '[email] at 10.0.0.7'
 * ```
 */
export function redactor(options: RedactionOptions = {}): Redactor {
  const settings = redactionSettings(options)
  const kept = new Set(settings.kept)
  const recognisers = [...kept, ...settings.recognisers]
  const table = tableOf(recognisers)
  const placeholder = placeholders(settings)
  const stream = (count?: RedactionCounter): TextFilter =>
    new RedactionEngine(table, (recogniser, entity) => {
      if (kept.has(recogniser)) return entity
      count?.(recogniser.kind)
      return placeholder(recogniser, entity)
    })
  return {
    stream,
    redact(text, count) {
      const filter = stream(count)
      return filter.push(text) + filter.end()
    },
    holdBack: recognisers.reduce((most, { maxChars }) => Math.max(most, maxChars + lookAhead), 0),
  }
}
