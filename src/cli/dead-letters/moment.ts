import { show } from '../../../operators/index.ts'

const unitsMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const

const duration = /^(?:\d+(?:\.\d+)?(?:ms|[smhdw]))+$/
const part = /(\d+(?:\.\d+)?)(ms|[smhdw])/g
const time = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?)(Z|[+-]\d{2}:\d{2})?)?$/

/**
 * Milliseconds of a duration as it is written: `90s`, `2h`, `1h30m`, `7d`.
 *
 * @throws RangeError naming the option, the text and what is expected.
 */
export function durationMs(option: string, text: string): number {
  const parsed = parseDuration(text)
  if (parsed !== undefined) return parsed
  throw new RangeError(`${option} must be a duration such as 90s, 2h, 1h30m or 7d, got ${show(text)}`)
}

/**
 * A moment as it is written: a time by ISO 8601, in UTC where it names no zone, or how long ago it is.
 *
 * @param now In milliseconds since 1970-01-01 UTC, as the answer.
 * @throws RangeError naming the option, the text and what is expected.
 */
export function momentMs(option: string, text: string, now: number): number {
  const ago = parseDuration(text)
  const moment = ago === undefined ? parseTime(text) : now - ago
  if (moment !== undefined) return moment
  throw new RangeError(
    `${option} must be a time such as 2026-01-31 or 2026-01-31T12:00:00Z, or how long ago, such as 90s, 2h or 7d, ` +
      `got ${show(text)}`,
  )
}

/** How long something took or has been, to be read: the two largest units. */
export function spokenDuration(ms: number): string {
  let rest = Math.max(0, Math.floor(ms / 1_000)) * 1_000
  const parts: string[] = []
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    const count = Math.floor(rest / unitsMs[unit])
    rest -= count * unitsMs[unit]
    if (count > 0 || (unit === 's' && parts.length === 0)) parts.push(`${count}${unit}`)
    // What follows a unit that counts is the next one, or nothing.
    if (parts.length === 2 || (parts.length === 1 && count === 0)) break
  }
  return parts.join('')
}

function parseDuration(text: string): number | undefined {
  if (!duration.test(text)) return undefined
  const ms = [...text.matchAll(part)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * unitsMs[unit as keyof typeof unitsMs],
    0,
  )
  return Number.isSafeInteger(Math.ceil(ms)) ? Math.round(ms) : undefined
}

function parseTime(text: string): number | undefined {
  const [, day, clock = '00:00', zone = 'Z'] = time.exec(text) ?? []
  if (day === undefined) return undefined
  // A day that its month does not have would be one of the next.
  const midnight = new Date(`${day}T00:00:00Z`)
  const isDay = Number.isFinite(midnight.getTime()) && midnight.toISOString().startsWith(day)
  const at = Date.parse(`${day}T${clock}${zone}`)
  return isDay && Number.isFinite(at) ? at : undefined
}
