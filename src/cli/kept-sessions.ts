import { checkInteger, checkOneOf } from '../../operators/index.ts'
import { durationMs } from './dead-letters/moment.ts'

/** What `serve` was told of sessions, as text. */
export interface KeptSessionsArguments {
  readonly sessions?: boolean
  readonly sessionTtl?: string
  readonly sessionOutage?: string
}

/** How long a server keeps sessions, and what it does without them. */
export interface KeptSessions {
  readonly ttlMs: number
  readonly onOutage: 'continue-without' | 'fail'
}

/** The options of `serve` for sessions. */
export const keptSessionsOptions: readonly (readonly [flags: string, description: string])[] = [
  ['--sessions', 'keep what was said in each session, and answer its requests one after another (default)'],
  ['--no-sessions', 'keep nothing, a session means nothing'],
  ['--session-ttl <duration>', 'how long a session is kept after its last request (default: 1d)'],
  [
    '--session-outage <policy>',
    '"continue-without" answers while sessions cannot be read, "fail" does not (default: continue-without)',
  ],
]

/**
 * Checks the options.
 *
 * @returns `undefined` where no sessions are kept.
 * @throws TypeError or RangeError naming the option, its value and what is allowed.
 */
export function keptSessions({
  sessions = true,
  sessionTtl,
  sessionOutage,
}: KeptSessionsArguments): KeptSessions | undefined {
  if (!sessions) {
    const other =
      sessionTtl !== undefined ? '--session-ttl' : sessionOutage !== undefined ? '--session-outage' : undefined
    if (other === undefined) return undefined
    throw new RangeError(`${other} must not be given together with --no-sessions, which keeps none`)
  }
  return {
    ttlMs:
      sessionTtl === undefined
        ? 86_400_000
        : checkInteger('--session-ttl', durationMs('--session-ttl', sessionTtl), { min: 1 }),
    onOutage: checkOneOf('--session-outage', sessionOutage ?? 'continue-without', ['continue-without', 'fail']),
  }
}
