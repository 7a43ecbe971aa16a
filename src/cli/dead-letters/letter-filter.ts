import { checkOneOf, checkText } from '../../../operators/index.ts'
import type { DeadLetterFilter } from '../../stores/index.ts'
import { momentMs } from './moment.ts'

/** Which dead letters a command is for, as text. */
export interface FilterArguments {
  readonly pipeline?: string
  readonly stage?: string
  readonly kind?: string
  readonly reason?: string
  readonly state?: string
  readonly session?: string
  readonly from?: string
  readonly to?: string
  readonly olderThan?: string
  readonly newerThan?: string
}

/** The options of the command line that choose among dead letters. */
export const filterOptions: readonly (readonly [flags: string, description: string])[] = [
  ['--pipeline <name>', 'those of this pipeline'],
  ['--stage <name>', 'whose last attempt ended at this stage'],
  ['--kind <kind>', 'how it ended: shed, failed or expired'],
  ['--reason <reason>', 'why: of shed ones the reason, of failed ones the code of the error, or deadline or ttl'],
  ['--state <state>', 'due (for a redrive), leased (it is under way) or dead (given up)'],
  ['--session <id>', 'those of this session'],
  ['--from <time>', 'submitted at this time or later: 2026-01-31, 2026-01-31T12:00:00Z, or how long ago: 90s, 2h, 7d'],
  ['--to <time>', 'submitted before this time'],
  ['--older-than <duration>', 'submitted longer ago than this, e.g. 2h'],
  ['--newer-than <duration>', 'submitted no longer ago than this'],
]

/**
 * The filter that the options make.
 *
 * @param now In milliseconds since 1970-01-01 UTC.
 * @returns `undefined` where none was given.
 * @throws TypeError or RangeError naming the option, its value and what is allowed.
 */
export function letterFilter(given: FilterArguments, now: number): DeadLetterFilter | undefined {
  const { pipeline, stage, kind, reason, state, session } = given
  const from = latest(momentOf('--from', given.from, now), momentOf('--newer-than', given.newerThan, now))
  const to = earliest(momentOf('--to', given.to, now), momentOf('--older-than', given.olderThan, now))
  if (from !== undefined && to !== undefined && from >= to) {
    throw new RangeError(
      `--from and --newer-than must be before --to and --older-than, got ${iso(from)} and ${iso(to)}: nothing is between`,
    )
  }
  const filter: DeadLetterFilter = {
    ...(pipeline !== undefined && { pipeline: checkText('--pipeline', pipeline) }),
    ...(stage !== undefined && { stage: checkText('--stage', stage) }),
    ...(kind !== undefined && { kind: checkOneOf('--kind', kind, ['shed', 'failed', 'expired']) }),
    ...(reason !== undefined && { reason: checkText('--reason', reason) }),
    ...(state !== undefined && { state: checkOneOf('--state', state, ['due', 'leased', 'dead']) }),
    ...(session !== undefined && { session: checkText('--session', session) }),
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
  }
  return Object.keys(filter).length === 0 ? undefined : filter
}

function momentOf(option: string, text: string | undefined, now: number): number | undefined {
  return text === undefined ? undefined : momentMs(option, text, now)
}

function latest(...times: readonly (number | undefined)[]): number | undefined {
  const given = times.filter((each) => each !== undefined)
  return given.length === 0 ? undefined : Math.max(...given)
}

function earliest(...times: readonly (number | undefined)[]): number | undefined {
  const given = times.filter((each) => each !== undefined)
  return given.length === 0 ? undefined : Math.min(...given)
}

function iso(ms: number): string {
  const date = new Date(ms)
  return Number.isFinite(date.getTime()) ? date.toISOString() : String(ms)
}
