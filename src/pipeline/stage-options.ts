import { checkInteger, checkKeys, checkNumber, checkOneOf } from '../../operators/index.ts'

/** How much a stage takes at once, and how long it may take. */
export interface StageOptions {
  /** Requests that may wait before the stage, 0 …. */
  readonly capacity: number
  /** Handlers that may run at once, 1 …; default 1. */
  readonly concurrency?: number
  /**
   * What gives way when the channel is full; default `'drop-newest'`. With admission at the door nothing that was
   * let in is ever put out, so `'drop-oldest'` shows with `admission: 'stage'` only.
   */
  readonly overflow?: 'drop-newest' | 'drop-oldest'
  /** Milliseconds from the start of a handler to its value or its stream's first chunk; default no limit. */
  readonly timeoutMs?: number
}

/** A stage's options with the defaults filled in. */
export interface StageSettings {
  readonly capacity: number
  readonly concurrency: number
  readonly overflow: 'drop-newest' | 'drop-oldest'
  readonly timeoutMs: number
}

/** @throws RangeError or TypeError that names the stage, the option, its value and the allowed range. */
export function checkStageOptions(stage: string, options: StageOptions): StageSettings {
  const of = (option: string): string => `stage ${JSON.stringify(stage)}: ${option}`
  checkKeys(`stage ${JSON.stringify(stage)}`, options, ['capacity', 'concurrency', 'overflow', 'timeoutMs'])
  const { capacity, concurrency = 1, overflow = 'drop-newest', timeoutMs = Infinity } = options
  return {
    capacity: checkInteger(of('capacity'), capacity),
    concurrency: checkInteger(of('concurrency'), concurrency, { min: 1 }),
    overflow: checkOneOf(of('overflow'), overflow, ['drop-newest', 'drop-oldest']),
    timeoutMs: checkNumber(of('timeoutMs'), timeoutMs, { min: 1, max: Infinity }),
  }
}
