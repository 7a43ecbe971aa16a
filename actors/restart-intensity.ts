/** How many restarts are too many: more than `maxRestarts` within any `withinMs`. */
export interface RestartIntensity {
  /** 0 …: the crash after this many restarts escalates; with `Infinity` none does. */
  readonly maxRestarts: number
  /** The sliding window in milliseconds, 1 …. */
  readonly withinMs: number
}

/**
 * Whether a crash may be answered with a restart: a pure sliding window over the times of the restarts.
 *
 * @param restarts Times of the restarts so far, oldest first.
 * @param at The time of the crash.
 * @returns The times that still count, with this one's if it is `allowed`; none where there is no limit.
 * @see Erlang/OTP, supervisor: maximum restart intensity
 */
export function allowRestart(
  restarts: readonly number[],
  at: number,
  { maxRestarts, withinMs }: RestartIntensity,
): { readonly allowed: boolean; readonly restarts: readonly number[] } {
  if (maxRestarts === Infinity) return { allowed: true, restarts: [] }
  const recent = restarts.filter((restart) => at - restart < withinMs)
  return recent.length < maxRestarts
    ? { allowed: true, restarts: [...recent, at] }
    : { allowed: false, restarts: recent }
}
