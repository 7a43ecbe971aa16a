import { checkInteger, checkKeys, checkNumber, checkOneOf } from '../../operators/index.ts'

/** How requests wait for room at a stage, instead of being shed at once. */
export interface StageWait {
  /** The longest that one waits, 1 …; then it is shed as `'wait-timeout'`. */
  readonly ms: number
  /** Requests that may wait at once, 1 …. */
  readonly max: number
  /**
   * Without it those who wait go in as soon as there is room. With it only when one of them looks again, after delays
   * of 1 to `initialMs` milliseconds, then `factor` times as many, up to `maxMs`; or when another request comes.
   */
  readonly backoff?: WaitBackoff
  /** Who may wait: only requests whose `priority` is `'high'`, or all, the default. */
  readonly for?: 'high' | 'all'
}

/** When one who waits looks again: full jitter below a ceiling that grows. */
export interface WaitBackoff {
  /** The ceiling of the first delay in milliseconds, 1 …. */
  readonly initialMs: number
  /** The ceiling of all delays, `initialMs` …. */
  readonly maxMs: number
  /** What each look multiplies the ceiling by, 1 …; default 2. */
  readonly factor?: number
}

/** The options with the defaults filled in. */
export interface WaitSettings extends Required<Pick<StageWait, 'ms' | 'max' | 'for'>> {
  readonly backoff?: Required<WaitBackoff>
}

/** @throws RangeError or TypeError that names the option, its value and the allowed range. */
export function checkWait(option: string, wait: StageWait): WaitSettings {
  checkKeys(option, wait, ['ms', 'max', 'backoff', 'for'])
  return {
    ms: checkNumber(`${option}.ms`, wait.ms, { min: 1 }),
    max: checkInteger(`${option}.max`, wait.max, { min: 1 }),
    for: checkOneOf(`${option}.for`, wait.for ?? 'all', ['high', 'all']),
    ...(wait.backoff !== undefined && { backoff: checkBackoff(`${option}.backoff`, wait.backoff) }),
  }
}

function checkBackoff(option: string, backoff: WaitBackoff): Required<WaitBackoff> {
  checkKeys(option, backoff, ['initialMs', 'maxMs', 'factor'])
  const initialMs = checkNumber(`${option}.initialMs`, backoff.initialMs, { min: 1 })
  return {
    initialMs,
    maxMs: checkNumber(`${option}.maxMs`, backoff.maxMs, { min: initialMs }),
    factor: checkNumber(`${option}.factor`, backoff.factor ?? 2, { min: 1 }),
  }
}

/** Whether a request says of itself that it matters more than others. */
export function isHigh(request: unknown): boolean {
  return typeof request === 'object' && request !== null && 'priority' in request && request.priority === 'high'
}
