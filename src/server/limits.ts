import { checkInteger, checkKeys } from '../../operators/index.ts'

/** What a client may ask of the server; each limit that is passed is answered with a status of its own. */
export interface ServerLimits {
  /** Bytes of a body, 1 … 1 GiB; default 1 MiB. Beyond: 413. */
  readonly bodyBytes?: number
  /** Objects and arrays within one another in a body, 1 … 1,000; default 32. Beyond: 400. */
  readonly jsonDepth?: number
  /** UTF-16 code units of all messages of a request together, 1 or more; default 200,000. Beyond: 400. */
  readonly promptChars?: number
  /** Bytes of a request's headers, 1,024 … 1 MiB; default 16 KiB. Beyond: 431. */
  readonly headerBytes?: number
  /** Headers of a request, 1 … 1,000; default 100. Beyond: 431. */
  readonly headers?: number
  /** Open connections, 1 … 1,000,000; default 16,384. A request on one beyond them: 503. */
  readonly connections?: number
  /**
   * Milliseconds in which a client must have sent its request, 100 … 600,000; default 8,000. Beyond: 408,
   * an eighth of that time later at most.
   */
  readonly requestTimeoutMs?: number
  /** Milliseconds in which a client must take something of what was sent to it, 100 … 3,600,000; default 60,000. Beyond: closed. */
  readonly unreadTimeoutMs?: number
}

/** The limits with their defaults. */
export function checkLimits(limits: ServerLimits = {}): Required<ServerLimits> {
  checkKeys('limits', limits, Object.keys(ranges))
  const checked = { ...defaults }
  for (const name of Object.keys(ranges) as (keyof ServerLimits)[]) {
    const value = limits[name]
    if (value !== undefined) checked[name] = checkInteger(`limits.${name}`, value, ranges[name])
  }
  return checked
}

const mebibyte = 1024 * 1024

const defaults: Record<keyof ServerLimits, number> = {
  bodyBytes: mebibyte,
  jsonDepth: 32,
  promptChars: 200_000,
  headerBytes: 16 * 1024,
  headers: 100,
  connections: 16_384,
  requestTimeoutMs: 8_000,
  unreadTimeoutMs: 60_000,
}

const ranges: Readonly<Record<keyof ServerLimits, { readonly min: number; readonly max?: number }>> = {
  bodyBytes: { min: 1, max: 1024 * mebibyte },
  jsonDepth: { min: 1, max: 1_000 },
  promptChars: { min: 1 },
  headerBytes: { min: 1024, max: mebibyte },
  // Node keeps at most 2,000 and drops the rest without a word.
  headers: { min: 1, max: 1_000 },
  connections: { min: 1, max: 1_000_000 },
  requestTimeoutMs: { min: 100, max: 600_000 },
  unreadTimeoutMs: { min: 100, max: 3_600_000 },
}
