import type { Registry } from 'prom-client'
import { supervise, type SupervisorOptions } from '../../actors/index.ts'
import {
  checkClock,
  checkFunction,
  checkInteger,
  checkKeys,
  checkMethods,
  checkNumber,
  checkOneOf,
  checkText,
  type Clock,
  exponentialBackoff,
  type RandomSource,
  show,
  systemClock,
  systemRandom,
} from '../../operators/index.ts'
import { type Logger, silentLogger } from '../logger.ts'
import type { DeadLetterStore, DeadLetterWriter } from '../stores/dead-letter-store.ts'
import { checkRedrive, type RedriveOptions, type RedriveSettings } from './redrive/redrive-options.ts'
import { checkSessions, type SessionOptions, type SessionSettings } from './session-options.ts'

/** What of a supervisor's options those who start a pipeline may choose. */
export interface StageSupervisionOptions extends Pick<
  SupervisorOptions,
  'strategy' | 'maxRestarts' | 'withinMs' | 'healthyAfterMs' | 'backoff'
> {
  /**
   * How long a stage that is stopped with its group may take to finish what runs and to tear down, 0 …; default
   * 5,000 ms. What runs then is put back as in a crash.
   */
  readonly shutdownTimeoutMs?: number
}

/** What a pipeline runs on, and how it treats requests. */
export interface StartOptions {
  /** Default the system's. */
  readonly clock?: Clock
  /** Default: nothing is logged. */
  readonly logger?: Logger
  /** A prom-client registry that gets the pipeline's metrics; default none. */
  readonly registry?: Registry
  /** What the metrics' names begin with; default `'orchestrator_'`. */
  readonly metricsPrefix?: string
  /**
   * `'door'`, the default, reserves a place in every channel before a request is let in, so that none is shed
   * after work has been spent on it. With `'stage'` each channel decides when the request arrives.
   */
  readonly admission?: 'door' | 'stage'
  /** Chunks of one stream that may wait for its reader, 1 …; default 256. */
  readonly streamBuffer?: number
  /** How long a stream may go unread before the request is cancelled; default 30,000 ms. */
  readonly stallTimeoutMs?: number
  /** How long a handler that was aborted keeps its slot if it does not return; default 5,000 ms. */
  readonly abortGraceMs?: number
  /** Multiplies every capacity, rounded, to at least 1; more than 0, default 1. */
  readonly scale?: number
  /** Makes the ids of submissions, and the jitter of the default backoff; default the platform's. */
  readonly random?: RandomSource
  /** Where the requests go that a stage's `deadLetter` selects; needed where one does. */
  readonly deadLetters?: DeadLetterWriter
  /**
   * Has the dead letters of this pipeline redriven while it has places to spare; `{}` with all defaults, default not at
   * all. `deadLetters` must be a whole `DeadLetterStore`. The process stays alive until the pipeline is drained.
   */
  readonly redrive?: RedriveOptions
  /** Where sessions are kept, and how their requests are served; default: a request's `session` means nothing. */
  readonly sessions?: SessionOptions
  /** When a crashed stage is started again, which others are with it, and when it is given up. */
  readonly supervision?: StageSupervisionOptions
}

/** The options with the defaults filled in. */
export type StartSettings = Required<
  Omit<StartOptions, 'registry' | 'deadLetters' | 'redrive' | 'sessions' | 'supervision'>
> &
  Pick<StartOptions, 'registry' | 'deadLetters'> & {
    readonly redrive?: { readonly store: DeadLetterStore; readonly settings: RedriveSettings }
    readonly sessions?: SessionSettings
    readonly supervision: StageSupervisionOptions
  }

const known = [
  'clock',
  'logger',
  'registry',
  'metricsPrefix',
  'admission',
  'streamBuffer',
  'stallTimeoutMs',
  'abortGraceMs',
  'scale',
  'random',
  'deadLetters',
  'redrive',
  'sessions',
  'supervision',
] as const satisfies readonly (keyof StartOptions)[]

/** @throws RangeError or TypeError that names the option, its value and the allowed range. */
export function checkStartOptions(options: StartOptions): StartSettings {
  checkKeys('start', options, known)
  const { registry, deadLetters, redrive, sessions } = options
  const clock = checkClock('clock', options.clock ?? systemClock)
  const random = checkFunction('random', options.random ?? systemRandom)
  const supervision = { backoff: exponentialBackoff({ random }), ...checkSupervision(options.supervision ?? {}) }
  if (registry !== undefined) {
    checkMethods('registry', registry, "prom-client's Registry", [
      'registerMetric',
      'getSingleMetric',
      'removeSingleMetric',
    ])
  }
  if (deadLetters !== undefined) checkMethods('deadLetters', deadLetters, 'a store of dead letters', ['put'])
  return {
    clock,
    logger: checkMethods('logger', options.logger ?? silentLogger, 'a Logger', [
      'debug',
      'info',
      'warn',
      'error',
      'child',
    ]),
    metricsPrefix: checkMetricsPrefix(options.metricsPrefix ?? 'orchestrator_'),
    random,
    supervision,
    admission: checkOneOf('admission', options.admission ?? 'door', ['door', 'stage']),
    streamBuffer: checkInteger('streamBuffer', options.streamBuffer ?? 256, { min: 1 }),
    stallTimeoutMs: checkNumber('stallTimeoutMs', options.stallTimeoutMs ?? 30_000, { min: 1 }),
    abortGraceMs: checkNumber('abortGraceMs', options.abortGraceMs ?? 5_000),
    scale: checkNumber('scale', options.scale ?? 1, { min: Number.MIN_VALUE }),
    ...(registry === undefined ? {} : { registry }),
    ...(deadLetters === undefined ? {} : { deadLetters }),
    ...(redrive === undefined
      ? {}
      : { redrive: { settings: checkRedrive(redrive, random), store: checkStore(deadLetters) } }),
    ...(sessions === undefined ? {} : { sessions: checkSessions(sessions) }),
  }
}

function checkStore(deadLetters: DeadLetterWriter | undefined): DeadLetterStore {
  const methods = ['put', 'claim', 'ack', 'fail', 'defer', 'extend']
  return checkMethods('deadLetters', deadLetters, 'a DeadLetterStore for redrive', methods) as DeadLetterStore
}

function checkSupervision(supervision: StageSupervisionOptions): StageSupervisionOptions {
  const { shutdownTimeoutMs, ...options } = supervision
  checkKeys('supervision', supervision, [
    'strategy',
    'maxRestarts',
    'withinMs',
    'healthyAfterMs',
    'backoff',
    'shutdownTimeoutMs',
  ])
  if (shutdownTimeoutMs !== undefined) checkNumber('shutdownTimeoutMs', shutdownTimeoutMs, { max: Infinity })
  // Whoever checks the others is the supervisor itself; nothing must have been started if it refuses them.
  supervise([], options)
  return supervision
}

function checkMetricsPrefix(prefix: string): string {
  if (!/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(checkText('metricsPrefix', prefix))) {
    throw new RangeError(
      `metricsPrefix must be letters, digits, "_" and ":", not beginning with a digit, got ${show(prefix)}`,
    )
  }
  return prefix
}
