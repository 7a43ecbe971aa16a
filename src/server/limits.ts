import { checkInteger, checkKeys } from '../../operators/index.ts'

/** What a client may ask of the server; each limit that is passed is named in the answer, which has a status of its own. */
export interface ServerLimits {
  /** Bytes of a body, 1 … 1 GiB; default 1 MiB. Beyond: 413. */
  readonly bodyBytes?: number
  /** Objects and arrays within one another in a body, 1 … 1,000; default 32. Beyond: 400. */
  readonly jsonDepth?: number
  /** UTF-16 code units of all messages of a request together, 1 or more; default 200,000. Beyond: 400. */
  readonly promptChars?: number
  /** Bytes of a request's headers and of its URL, 1,024 … 1 MiB; default 16 KiB. Beyond: 431. */
  readonly headerBytes?: number
  /** Headers of a request, 1 … 1,000; default 100. Beyond: 431. */
  readonly headers?: number
  /**
   * Open connections, 1 … 1,000,000; default 16,384. A request on one beyond them: 503. Of those at most another
   * 1,024 are accepted to be told so.
   */
  readonly connections?: number
  /**
   * Milliseconds from the first byte of a request, or from when the connection was made, to the end of its headers,
   * 100 … 600,000; default 4,000. Beyond: 408, an eighth of that time later at most. Also the time for a TLS
   * handshake; beyond: closed.
   */
  readonly headersTimeoutMs?: number
  /** Milliseconds from the end of a request's headers to the end of its body, 100 … 600,000; default 5,000. Beyond: 408. */
  readonly bodyTimeoutMs?: number
  /** Milliseconds for which a connection without a request is kept open after one, 100 … 3,600,000; default 72,000. Beyond: closed. */
  readonly idleTimeoutMs?: number
  /** Milliseconds in which a client must take something of what was sent to it, 100 … 3,600,000; default 60,000. Beyond: closed. */
  readonly unreadTimeoutMs?: number
  /**
   * Milliseconds that a stream of the native route is kept when its reader has gone, 1 … 3,600,000; default 15,000.
   * Then its request is cancelled, and whoever asks for it gets 404. Until then the model waits, and the pipeline's
   * `stallTimeoutMs` does not run.
   */
  readonly resumeMs?: number
  /** Events of one stream that can be read again, 1 … 100,000; default 512. A reader that has missed more: 410. */
  readonly replayEvents?: number
  /** Their bytes together, 1 … 64 MiB; default 128 KiB. A reader that has missed more: 410. */
  readonly replayBytes?: number
  /**
   * Streams that are kept at the same time, 1 … 100,000; default 1,024. One more takes the place of the one that ended
   * longest ago; where none has ended: 503.
   */
  readonly replayStreams?: number
  /** Bytes of a message on a WebSocket, 1 … 1 GiB; default 1 MiB. Beyond: closed with 1009. */
  readonly socketMessageBytes?: number
  /** Messages and pings that a client may send on a WebSocket in a second, 1 … 1,000,000; default 500. Beyond: closed with 1008. */
  readonly socketMessagesPerSecond?: number
  /** Requests that run on a WebSocket at the same time, 1 … 100,000; default 64. Beyond: refused with 429. */
  readonly socketRequests?: number
  /** Bytes that may wait for the client of a WebSocket, 1 … 1 GiB; default 64 KiB. Beyond: the models wait. */
  readonly socketQueuedBytes?: number
}

/**
 * The limits with their defaults.
 *
 * @param prefix What a limit's name is preceded by in an error.
 * @throws TypeError or RangeError naming the limit, its value and what is allowed.
 */
export function checkLimits(limits: ServerLimits = {}, prefix = 'limits.'): Required<ServerLimits> {
  checkKeys('limits', limits, Object.keys(ranges))
  const checked = { ...defaultLimits }
  for (const name of Object.keys(ranges) as (keyof ServerLimits)[]) {
    const value = limits[name]
    if (value !== undefined) checked[name] = checkInteger(`${prefix}${name}`, value, ranges[name])
  }
  return checked
}

const mebibyte = 1024 * 1024

/** The limits that hold where none are given. */
export const defaultLimits: Readonly<Record<keyof ServerLimits, number>> = {
  bodyBytes: mebibyte,
  jsonDepth: 32,
  promptChars: 200_000,
  headerBytes: 16 * 1024,
  headers: 100,
  connections: 16_384,
  headersTimeoutMs: 4_000,
  bodyTimeoutMs: 5_000,
  idleTimeoutMs: 72_000,
  unreadTimeoutMs: 60_000,
  resumeMs: 15_000,
  replayEvents: 512,
  replayBytes: 128 * 1024,
  replayStreams: 1_024,
  socketMessageBytes: mebibyte,
  socketMessagesPerSecond: 500,
  socketRequests: 64,
  socketQueuedBytes: 64 * 1024,
}

const ranges: Readonly<Record<keyof ServerLimits, { readonly min: number; readonly max?: number }>> = {
  bodyBytes: { min: 1, max: 1024 * mebibyte },
  jsonDepth: { min: 1, max: 1_000 },
  promptChars: { min: 1 },
  headerBytes: { min: 1024, max: mebibyte },
  headers: { min: 1, max: 1_000 },
  connections: { min: 1, max: 1_000_000 },
  headersTimeoutMs: { min: 100, max: 600_000 },
  bodyTimeoutMs: { min: 100, max: 600_000 },
  idleTimeoutMs: { min: 100, max: 3_600_000 },
  unreadTimeoutMs: { min: 100, max: 3_600_000 },
  resumeMs: { min: 1, max: 3_600_000 },
  replayEvents: { min: 1, max: 100_000 },
  replayBytes: { min: 1, max: 64 * mebibyte },
  replayStreams: { min: 1, max: 100_000 },
  socketMessageBytes: { min: 1, max: 1024 * mebibyte },
  socketMessagesPerSecond: { min: 1, max: 1_000_000 },
  socketRequests: { min: 1, max: 100_000 },
  socketQueuedBytes: { min: 1, max: 1024 * mebibyte },
}
