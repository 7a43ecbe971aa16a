import { checkInteger, checkKeys, checkMethods, checkNumber, checkOneOf, show } from '../../operators/index.ts'
import type { SessionStore } from '../stores/session-store.ts'

/** Where the sessions of a pipeline's requests are kept, and how their requests are served. */
export interface SessionOptions {
  readonly store: SessionStore
  /**
   * Whether of the requests with the same `session` only one at a time is past the first channel, from its start there
   * to its end, in order of admission; default `true`. The others keep their place in the channel, and those of other
   * sessions overtake them.
   */
  readonly serial?: boolean
  /** How many of one session may wait for that, 0 …; default 8. One more is shed as `'rate'`. */
  readonly maxWaiting?: number
  /**
   * What becomes of a request when its session cannot be read or stored: `'continue-without'`, the default, serves it
   * as if it had none, which is counted and logged; with `'fail'` it fails.
   */
  readonly onOutage?: 'fail' | 'continue-without'
  /** How long the store may take for one answer, 1 …; default 2,000 ms. Later it counts as away. */
  readonly timeoutMs?: number
}

/** The options with the defaults filled in. */
export type SessionSettings = Required<SessionOptions>

/** @throws RangeError or TypeError that names the option, its value and the allowed range. */
export function checkSessions(sessions: SessionOptions): SessionSettings {
  checkKeys('sessions', sessions, ['store', 'serial', 'maxWaiting', 'onOutage', 'timeoutMs'])
  const { serial = true, maxWaiting = 8, onOutage = 'continue-without', timeoutMs = 2_000 } = sessions
  if (typeof serial !== 'boolean') throw new TypeError(`sessions.serial must be true or false, got ${show(serial)}`)
  return {
    store: checkMethods('sessions.store', sessions.store, 'a SessionStore', ['get', 'update']),
    serial,
    maxWaiting: checkInteger('sessions.maxWaiting', maxWaiting, { max: Infinity }),
    onOutage: checkOneOf('sessions.onOutage', onOutage, ['fail', 'continue-without']),
    timeoutMs: checkNumber('sessions.timeoutMs', timeoutMs, { min: 1 }),
  }
}
