import { checkFunction, show } from '../../operators/index.ts'
import type { Logger } from '../logger.ts'
import type { DeadLetterStore, SessionStore } from '../stores/index.ts'
import type { ModelInfo } from '../workers/model-worker.ts'
import type { ServedCompletions, ServedEmbeddings, ServedPipeline } from './server-context.ts'

/** What a server is handed ready-made. */
interface ServerParts {
  readonly running: ServedPipeline
  readonly completions: ServedCompletions | undefined
  readonly embeddings: ServedEmbeddings | undefined
  readonly deadLetters: DeadLetterStore | undefined
  readonly sessions: SessionStore | undefined
  readonly models: readonly ModelInfo[]
  readonly logger: Logger
  readonly newId: () => string
}

/**
 * Checks that what a server is handed is of the kind that it will be used as, so that a mistake is told when the
 * server is made and not to the first client.
 *
 * @throws TypeError or RangeError naming the option.
 */
export function checkParts(parts: ServerParts): void {
  const { running, completions, embeddings, deadLetters, sessions, models, logger, newId } = parts
  for (const [option, value] of Object.entries({ running, completions, embeddings })) {
    if (option === 'running' || value !== undefined) {
      checkMethods(option, value, 'a running pipeline', ['submit', 'ledger', 'deadLetters'])
    }
  }
  if (deadLetters !== undefined) {
    checkMethods('deadLetters', deadLetters, 'a store of dead letters', ['get', 'list', 'replay', 'purge', 'counts'])
  }
  if (sessions !== undefined) checkMethods('sessions', sessions, 'a store of sessions', ['get', 'update'])
  checkMethods('logger', logger, 'a logger', ['debug', 'info', 'warn', 'error', 'child'])
  checkFunction('newId', newId)
  checkModels(models)
}

function checkMethods(option: string, value: unknown, kind: string, methods: readonly string[]): void {
  const fail = (problem: string): never => {
    throw new TypeError(`${option} must be ${kind}, got ${problem}`)
  }
  if (typeof value !== 'object' || value === null) return fail(show(value))
  const missing = methods.find((name) => typeof (value as Readonly<Record<string, unknown>>)[name] !== 'function')
  if (missing !== undefined) fail(`an object without the method ${missing}`)
}

function checkModels(models: unknown): void {
  if (!Array.isArray(models)) throw new TypeError(`models must be an array, got ${show(models)}`)
  let names = 0
  for (const [index, info] of models.entries() as ArrayIterator<[number, unknown]>) {
    const option = `models[${index}]`
    if (typeof info !== 'object' || info === null) throw new TypeError(`${option} must be an object, got ${show(info)}`)
    const { models: named } = info as { readonly models?: unknown }
    if (!Array.isArray(named) || !named.every((name) => typeof name === 'string')) {
      throw new TypeError(`${option}.models must be an array of strings, got ${show(named)}`)
    }
    names += named.length
  }
  if (names === 0) throw new RangeError('models must name at least one model, got none')
}
