import { randomUUID } from 'node:crypto'
import { Registry } from 'prom-client'
import { checkKeys, checkNumber, checkText, type Clock, systemClock } from '../../operators/index.ts'
import { type Logger, silentLogger } from '../logger.ts'
import type { DeadLetterStore, SessionStore } from '../stores/index.ts'
import type { ModelInfo } from '../workers/model-worker.ts'
import { checkParts } from './check-parts.ts'
import { checkLimits, type ServerLimits } from './limits.ts'
import type { ServedCompletions, ServedEmbeddings, ServedPipeline } from './server-context.ts'
import { checkTls, type TlsOptions } from './tls.ts'

/** What a server serves and how. */
export interface ServerOptions {
  /** The pipeline that answers; the server neither starts nor drains it. */
  readonly running: ServedPipeline
  /** What continues bare texts at `/v1/completions`; default: nothing does, which is answered with 404. */
  readonly completions?: ServedCompletions
  /** What makes vectors at `/v1/embeddings`; default: nothing does, which is answered with 404. */
  readonly embeddings?: ServedEmbeddings
  /**
   * Where the chat pipeline's dead letters are, for `/v1/dead-letters`, `/readyz` and `/v1/pipeline`; the server does not
   * close it. Default: none, and the routes are answered with 404.
   */
  readonly deadLetters?: DeadLetterStore
  /** Where the chat pipeline's sessions are, for `/readyz` and `/v1/pipeline`; the server does not close it. Default: none. */
  readonly sessions?: SessionStore
  /** The models that may be asked for, the default first; at least one. */
  readonly models: readonly ModelInfo[]
  /** The pipeline as it was defined, told by `GET /v1/pipeline`; plain data. */
  readonly topology?: unknown
  /** Default: writes nothing. It gets ids, figures and digests of sessions, never their names or a prompt's text. */
  readonly logger?: Logger
  /** Where the server counts its requests and what `GET /metrics` shows; default: one of its own. */
  readonly registry?: Registry
  /** What the metrics' names begin with, as in the pipeline's; default `'orchestrator_'`. */
  readonly metricsPrefix?: string
  /** The bearer token that every route but health asks for, or several of which each will do; default: none is asked for. */
  readonly apiKey?: string | readonly string[]
  /** Milliseconds in which a request must be answered, 1 … 86,400,000 (a day); default: no limit. Beyond: 504. */
  readonly deadlineMs?: number
  readonly limits?: ServerLimits
  /** Certificate and key of a server that speaks TLS, and nothing else; default: it speaks plain HTTP. */
  readonly tls?: TlsOptions
  /**
   * Origins whose pages may call, exact such as `'https://chat.example.org'`, or `'*'` for all; default: none. Their
   * preflights need no key, and cookies are no part of it.
   */
  readonly corsOrigins?: readonly string[]
  /**
   * Names by which the server may be called where it asks for no key, without a port, such as `'chat.example.org'`, or
   * `'*'` for all; default: none but IP addresses, `localhost` with the names beneath it, and the host it listens on.
   * Others: 403, on every route but health, so that no page whose name is made to point here can read an answer.
   */
  readonly allowedHosts?: readonly string[]
  /** Milliseconds of silence in a streamed answer after which a comment is sent, 100 … 3,600,000; default 15,000. */
  readonly heartbeatMs?: number
  /** Default: the machine's clock. The time limits on sending a request are Node's own and do not heed it. */
  readonly clock?: Clock
  /** Names requests that come without an `x-request-id`; default: random UUIDs. */
  readonly newId?: () => string
}

/** The longest deadline that a server may be given: a day. */
export const longestDeadlineMs = 86_400_000

const optionKeys = [
  'running',
  'completions',
  'embeddings',
  'deadLetters',
  'sessions',
  'models',
  'topology',
  'logger',
  'registry',
  'metricsPrefix',
  'apiKey',
  'deadlineMs',
  'limits',
  'tls',
  'corsOrigins',
  'allowedHosts',
  'heartbeatMs',
  'clock',
  'newId',
] as const satisfies readonly (keyof ServerOptions)[]

/** The options that were given, checked, and the defaults of the others. */
export interface ServerSettings {
  readonly running: ServedPipeline
  readonly completions: ServedCompletions | undefined
  readonly embeddings: ServedEmbeddings | undefined
  readonly deadLetters: DeadLetterStore | undefined
  readonly sessions: SessionStore | undefined
  readonly models: readonly ModelInfo[]
  readonly topology: unknown
  readonly logger: Logger
  readonly registry: Registry
  readonly metricsPrefix: string
  readonly deadlineMs: number | undefined
  readonly limits: Required<ServerLimits>
  readonly tls: TlsOptions | undefined
  readonly heartbeatMs: number
  readonly clock: Clock
  readonly newId: () => string
}

/**
 * Checks a server's options, but for keys, origins and hosts, which those check that heed them.
 *
 * @throws TypeError or RangeError naming the option that is wrong.
 */
export function checkServerOptions(options: ServerOptions): ServerSettings {
  checkKeys('createServer', options, optionKeys)
  const { running, completions, embeddings, deadLetters, sessions, models, topology, deadlineMs } = options
  const { logger = silentLogger, registry = new Registry(), clock = systemClock, newId = randomUUID } = options
  checkParts({ running, completions, embeddings, deadLetters, sessions, models, logger, newId })
  if (deadlineMs !== undefined) checkNumber('deadlineMs', deadlineMs, { min: 1, max: longestDeadlineMs })
  return {
    running,
    completions,
    embeddings,
    deadLetters,
    sessions,
    models,
    topology,
    logger,
    registry,
    metricsPrefix: checkText('metricsPrefix', options.metricsPrefix ?? 'orchestrator_'),
    deadlineMs,
    limits: checkLimits(options.limits),
    tls: options.tls === undefined ? undefined : checkTls(options.tls),
    heartbeatMs: checkNumber('heartbeatMs', options.heartbeatMs ?? 15_000, { min: 100, max: 3_600_000 }),
    clock,
    newId,
  }
}
