import { checkMethods } from './options.ts'

/** What `Clock.setTimeout` returns and `Clock.clearTimeout` takes: opaque, its shape is the platform's. */
export type TimerHandle = unknown

/**
 * The only source of time: code that asks what time it is or waits does so through a `Clock`, so that
 * the virtual clock of `spillway/testing` can stand in for the system's. It is assignable to XState's
 * `Clock`.
 */
export interface Clock {
  /** Milliseconds from an arbitrary origin, with a fraction; never goes back. */
  now(): number
  /** Milliseconds since 1970-01-01 UTC; may jump when the machine's time is set. */
  wallTime(): number
  /** Calls `fn` once, `ms` milliseconds from now at the earliest. */
  setTimeout(fn: () => void, ms: number): TimerHandle
  /** Takes a timer back; a handle that has fired or is unknown is ignored. */
  clearTimeout(handle: TimerHandle): void
}

/** @throws TypeError where the value is no `Clock`. */
export function checkClock(option: string, clock: Clock): Clock {
  return checkMethods(option, clock, 'a Clock', ['now', 'wallTime', 'setTimeout', 'clearTimeout'])
}

/** The longest delay that the platform's timers keep; a longer one would fire at once. */
const longestDelayMs = 2 ** 31 - 1

/**
 * The machine's own clock, the default everywhere.
 *
 * A delay beyond 2,147,483,647 ms (24.8 days) is shortened to that.
 */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  setTimeout: (fn, ms) => globalThis.setTimeout(fn, Math.min(ms, longestDelayMs)),
  clearTimeout: (handle) => {
    globalThis.clearTimeout(handle as ReturnType<typeof globalThis.setTimeout>)
  },
}
