import {
  type Backoff,
  checkFunction,
  checkInteger,
  checkKeys,
  checkNumber,
  exponentialBackoff,
  type RandomSource,
} from '../../../operators/index.ts'
import type { StoredDeadLetter } from '../../stores/dead-letter-store.ts'
import type { Completed } from '../outcome.ts'
import { checkRedriveBudget, type RedriveBudgetOptions, type RedriveBudgetSettings } from './redrive-budget.ts'

/** A dead letter that was brought to completion. */
export interface Redriven {
  readonly letter: StoredDeadLetter
  /** With the answer as `value`, where that is a value. */
  readonly outcome: Completed<unknown>
  /** The answer, where that is a stream. */
  readonly chunks?: readonly unknown[]
}

/** How dead letters are redriven. */
export interface RedriveOptions {
  /** Redrives at a time, 1 … 100; default 4. */
  readonly concurrency?: number
  /** Redrives of one session at a time, by all workers of the store, 1 …; default 1. */
  readonly perSession?: number
  /**
   * For how long an entry is this worker's; extended while its request runs, and over that time after a crash of the
   * process others may have it. 1,000 …; default 30,000 ms.
   */
  readonly leaseMs?: number
  /**
   * When an entry that has failed is due again, by the number of its attempts; default exponential with full jitter, the
   * ceilings 10 s, 40 s, 160 s …, at most an hour.
   */
  readonly backoff?: Backoff
  /** How many redrives there may be beside the requests of clients. */
  readonly budget?: RedriveBudgetOptions
  /** How often the store is asked for entries that are due, on the average, 1 …; default 1,000 ms. */
  readonly pollMs?: number
  /** What the chunks of one answer may take up in memory, estimated; default 8,388,608 bytes (8 MiB). */
  readonly maxResultBytes?: number
  /**
   * Is given each answer; the entry is done with once it has returned, or what it returned has resolved. It has `leaseMs`
   * for that. If it fails, so has the attempt: an answer may come twice, but none is lost. Default: answers are
   * forgotten.
   */
  readonly onRedriven?: (redriven: Redriven, context: { readonly signal: AbortSignal }) => unknown
}

/** The options with the defaults filled in. */
export type RedriveSettings = Required<Omit<RedriveOptions, 'budget'>> & { readonly budget: RedriveBudgetSettings }

const known = [
  'concurrency',
  'perSession',
  'leaseMs',
  'backoff',
  'budget',
  'pollMs',
  'maxResultBytes',
  'onRedriven',
] as const satisfies readonly (keyof RedriveOptions)[]

/**
 * @param random Of the default backoff's jitter.
 * @throws RangeError or TypeError that names the option, its value and the allowed range.
 */
export function checkRedrive(options: RedriveOptions, random: RandomSource): RedriveSettings {
  checkKeys('redrive', options, known)
  const usual = exponentialBackoff({ initialMs: 10_000, factor: 4, maxMs: 3_600_000, jitter: 'full', random })
  return {
    concurrency: checkInteger('redrive: concurrency', options.concurrency ?? 4, { min: 1, max: 100 }),
    perSession: checkInteger('redrive: perSession', options.perSession ?? 1, { min: 1 }),
    leaseMs: checkInteger('redrive: leaseMs', options.leaseMs ?? 30_000, { min: 1_000 }),
    backoff: checkFunction('redrive: backoff', options.backoff ?? usual),
    budget: checkRedriveBudget(options.budget ?? {}),
    pollMs: checkNumber('redrive: pollMs', options.pollMs ?? 1_000, { min: 1 }),
    maxResultBytes: checkInteger('redrive: maxResultBytes', options.maxResultBytes ?? 8_388_608, { min: 1 }),
    onRedriven: checkFunction('redrive: onRedriven', options.onRedriven ?? forget),
  }
}

function forget(): void {
  // Whoever gives no onRedriven wants the effects of the stages only.
}
