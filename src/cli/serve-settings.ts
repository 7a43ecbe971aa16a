import { resolve } from 'node:path'
import { checkInteger, checkNumber, checkOneOf, checkText, type NumberRange, show } from '../../operators/index.ts'
import { checkHostNames } from '../server/allowed-hosts.ts'
import { checkApiKey } from '../server/check-api-key.ts'
import { checkOrigins } from '../server/cors.ts'
import type { ServerLimits } from '../server/index.ts'
import { longestDeadlineMs } from '../server/server-options.ts'
import { type DocumentArguments, documentSettings, type DocumentSettings } from './document-settings.ts'
import { checkBaseUrl } from './base-url.ts'
import { type EmbeddingSettings, embeddingSettings } from './embedding-settings.ts'
import { keptLetters, type KeptLetters, type KeptLettersArguments } from './kept-letters.ts'
import { keptSessions, type KeptSessions, type KeptSessionsArguments } from './kept-sessions.ts'
import { limitSettings } from './limit-settings.ts'
import { type RedactionChoice, redactionChoice } from './redaction-choice.ts'
import { storeSettings, type StoreSettings } from './store-settings.ts'
import type { TlsFiles } from './tls-files.ts'
import { isLoopback } from './is-loopback.ts'

/** What `spillway serve` was given on the command line, as text. */
export interface ServeArguments extends DocumentArguments, KeptLettersArguments, KeptSessionsArguments {
  readonly host?: string
  readonly port?: string
  readonly dataDir?: string
  readonly docs?: readonly string[] | undefined
  readonly noDocs?: boolean
  readonly template?: string
  readonly maxPromptTokens?: string
  readonly watchDocs?: boolean
  readonly model?: string
  readonly embeddingModel?: string
  readonly echoDelayMs?: string
  readonly inferenceConcurrency?: string
  readonly inferenceTimeoutMs?: string
  readonly filterWords?: string
  readonly filterPatterns?: string
  readonly filterAction?: string
  readonly filterMaxMatchChars?: string
  readonly scale?: string
  readonly admission?: string
  readonly deadlineMs?: string
  readonly drainTimeoutMs?: string
  readonly logLevel?: string
  readonly redact?: string
  /** Separated by commas. */
  readonly redactKinds?: string
  /** `name=value`, as often as there are limits. */
  readonly limit?: readonly string[]
  readonly tlsCert?: string
  readonly tlsKey?: string
  readonly corsOrigin?: readonly string[]
  readonly allowedHost?: readonly string[]
}

/** The model behind an endpoint. */
interface EndpointSettings {
  readonly baseUrl: string
  readonly apiKey: string | undefined
  /** `undefined`: whatever the endpoint has. */
  readonly model: string | undefined
}

/** What answers are filtered for. */
interface FilterSettings {
  /** Paths of files, `undefined` for no filter. */
  readonly words: string | undefined
  readonly patterns: string | undefined
  readonly action: 'mask' | 'remove' | 'end'
  readonly maxMatchChars: number
}

/** How the server is to run; everything has been checked. */
export interface ServeSettings extends DocumentSettings, StoreSettings {
  readonly host: string
  readonly port: number
  /** `undefined` where none are kept. */
  readonly deadLetters: KeptLetters | undefined
  /** `undefined` where none are kept. */
  readonly sessions: KeptSessions | undefined
  /** Paths, each folder or file once; `'own'` for the project's own documents, `'none'` for no retrieval. */
  readonly docs: readonly string[] | 'own' | 'none'
  /** The file of the prompt's template; `undefined` for the one that is built in. */
  readonly template: string | undefined
  /** `undefined`: what the model's window leaves, if it is known. */
  readonly maxPromptTokens: number | undefined
  /** Whether changes of the documents are followed while it runs. */
  readonly watchDocs: boolean
  /** `undefined` for the echo model. */
  readonly endpoint: EndpointSettings | undefined
  /** `undefined` for retrieval by words alone. */
  readonly embedding: EmbeddingSettings | undefined
  readonly echoDelayMs: number
  readonly inferenceConcurrency: number
  /** To the first chunk. */
  readonly inferenceTimeoutMs: number
  readonly filters: FilterSettings
  readonly scale: number
  readonly admission: 'door' | 'stage'
  readonly deadlineMs: number | undefined
  readonly drainTimeoutMs: number
  readonly logLevel: LogLevel
  /** Each will do; `undefined` where none is asked for. */
  readonly apiKeys: readonly string[] | undefined
  readonly limits: ServerLimits
  /** `undefined` for none. */
  readonly redaction: RedactionChoice | undefined
  /** `undefined` for plain HTTP. */
  readonly tls: TlsFiles | undefined
  readonly corsOrigins: readonly string[]
  readonly allowedHosts: readonly string[]
}

/** How much is logged. */
type LogLevel = (typeof logLevels)[number]

/** From all to nothing. */
export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const

/**
 * Puts the command line and the environment together.
 *
 * @throws TypeError or RangeError naming the option, its value and what is allowed.
 */
export function serveSettings(
  given: ServeArguments,
  environment: Readonly<Record<string, string | undefined>>,
): ServeSettings {
  const variable = (name: string): string | undefined => {
    const value = environment[name]
    // An empty variable is how a shell or a compose file leaves one out.
    return value === undefined || value === '' ? undefined : value
  }
  const apiKeys = variable('SPILLWAY_API_KEY')?.split(',')
  for (const key of apiKeys ?? []) checkApiKey('SPILLWAY_API_KEY', key)
  const host = checkText('--host', given.host ?? '127.0.0.1')
  if (apiKeys === undefined && !isLoopback(host)) {
    throw new RangeError(
      `--host must be a loopback address such as 127.0.0.1 where SPILLWAY_API_KEY is not set, got ${JSON.stringify(host)}: ` +
        'anybody who reaches the server could use it',
    )
  }
  const port = given.port ?? variable('PORT')
  const endpoint = endpointSettings(given, variable)
  return {
    host,
    port: port === undefined ? 8080 : whole(given.port === undefined ? 'PORT' : '--port', port, { max: 65_535 }),
    ...storeSettings(given.dataDir, environment),
    deadLetters: keptLetters(given),
    sessions: keptSessions(given),
    docs: documentPaths(given),
    ...documentSettings(given),
    template: given.template === undefined ? undefined : checkText('--template', given.template),
    maxPromptTokens:
      given.maxPromptTokens === undefined ? undefined : whole('--max-prompt-tokens', given.maxPromptTokens, { min: 1 }),
    watchDocs: given.watchDocs ?? false,
    endpoint,
    embedding: embeddingSettings(given.embeddingModel, variable),
    echoDelayMs: number('--echo-delay-ms', given.echoDelayMs, 0, { max: 3_600_000 }),
    inferenceConcurrency:
      given.inferenceConcurrency === undefined
        ? 16
        : whole('--inference-concurrency', given.inferenceConcurrency, { min: 1, max: 65_536 }),
    inferenceTimeoutMs:
      given.inferenceTimeoutMs === undefined
        ? 60_000
        : // The platform's own client gives up after 300,000 ms without an answer.
          whole('--inference-timeout-ms', given.inferenceTimeoutMs, { min: 1, max: 300_000 }),
    filters: filterSettings(given),
    scale: number('--scale', given.scale, 1, { min: 0.001, max: 1_000 }),
    admission: checkOneOf('--admission', given.admission ?? 'door', ['door', 'stage']),
    deadlineMs:
      given.deadlineMs === undefined
        ? undefined
        : number('--deadline-ms', given.deadlineMs, 0, { min: 1, max: longestDeadlineMs }),
    drainTimeoutMs: number('--drain-timeout-ms', given.drainTimeoutMs, 30_000, { max: 3_600_000 }),
    logLevel: checkOneOf('--log-level', given.logLevel ?? 'info', logLevels),
    apiKeys,
    limits: limitSettings(given.limit),
    redaction: redactionChoice(given, variable('SPILLWAY_REDACT_KEY')),
    tls: tlsSettings(given),
    corsOrigins: corsSettings(given),
    allowedHosts: hostSettings(given),
  }
}

function filterSettings({
  filterWords,
  filterPatterns,
  filterAction,
  filterMaxMatchChars,
}: ServeArguments): FilterSettings {
  if (filterAction !== undefined && filterWords === undefined && filterPatterns === undefined) {
    throw new RangeError(
      `--filter-action is only for --filter-words and --filter-patterns, got ${show(filterAction)} without either`,
    )
  }
  if (filterMaxMatchChars !== undefined && filterPatterns === undefined) {
    throw new RangeError(
      `--filter-max-match-chars is only for --filter-patterns, got ${show(filterMaxMatchChars)} without it`,
    )
  }
  return {
    words: filterWords === undefined ? undefined : checkText('--filter-words', filterWords),
    patterns: filterPatterns === undefined ? undefined : checkText('--filter-patterns', filterPatterns),
    action: checkOneOf('--filter-action', filterAction ?? 'mask', ['mask', 'remove', 'end']),
    maxMatchChars:
      filterMaxMatchChars === undefined
        ? 256
        : whole('--filter-max-match-chars', filterMaxMatchChars, { min: 1, max: 4096 }),
  }
}

function tlsSettings({ tlsCert: cert, tlsKey: key }: ServeArguments): TlsFiles | undefined {
  if (cert === undefined && key === undefined) return undefined
  if (cert === undefined) throw new RangeError('--tls-key must be given together with --tls-cert, got only the key')
  if (key === undefined)
    throw new RangeError('--tls-cert must be given together with --tls-key, got only the certificate')
  return { cert: checkText('--tls-cert', cert), key: checkText('--tls-key', key) }
}

function corsSettings({ corsOrigin = [] }: ServeArguments): readonly string[] {
  checkOrigins('--cors-origin', corsOrigin)
  return corsOrigin
}

function hostSettings({ allowedHost = [] }: ServeArguments): readonly string[] {
  checkHostNames('--allowed-host', allowedHost)
  return allowedHost
}

function documentPaths({ docs, noDocs = false, watchDocs, embeddingModel }: ServeArguments): ServeSettings['docs'] {
  if (noDocs && watchDocs === true) {
    throw new RangeError('--watch-docs must not be given together with --no-docs, which leaves nothing to follow')
  }
  if (noDocs && embeddingModel !== undefined) {
    throw new RangeError(`--embedding-model must not be given together with --no-docs, got ${show(embeddingModel)}`)
  }
  if (docs === undefined) return noDocs ? 'none' : 'own'
  if (noDocs) {
    throw new RangeError(`--docs must not be given together with --no-docs, got ${docs.map(show).join(', ')}`)
  }
  const resolved = docs.map((path) => resolve(checkText('--docs', path)))
  return docs.filter((path, index) => resolved.indexOf(resolve(path)) === index)
}

function endpointSettings(
  { model, echoDelayMs }: ServeArguments,
  variable: (name: string) => string | undefined,
): EndpointSettings | undefined {
  if (model !== undefined) checkText('--model', model)
  const baseUrl = variable('OPENAI_BASE_URL')
  if (baseUrl === undefined) {
    if (model === undefined || model === 'echo') return undefined
    throw new RangeError(
      `--model must be "echo" where OPENAI_BASE_URL does not say where the model is, got ${JSON.stringify(model)}`,
    )
  }
  checkBaseUrl('OPENAI_BASE_URL', baseUrl)
  if (echoDelayMs !== undefined) {
    throw new RangeError(
      `--echo-delay-ms is for the echo model, which is not used where OPENAI_BASE_URL is set, got ${echoDelayMs}`,
    )
  }
  return { baseUrl, apiKey: variable('OPENAI_API_KEY'), model }
}

function whole(option: string, text: string, range: NumberRange): number {
  return checkInteger(option, parsed(text), range)
}

function number(option: string, text: string | undefined, otherwise: number, range: NumberRange): number {
  return text === undefined ? otherwise : checkNumber(option, parsed(text), range)
}

/** The number, or the text itself where it is none, so that the check can say what it got. */
function parsed(text: string): number | string {
  return /^-?\d+(?:\.\d+)?$/.test(text) ? Number(text) : text
}
