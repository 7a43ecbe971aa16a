import { checkClock, checkFunction, checkInteger, checkText, type Clock, systemClock } from '../../operators/index.ts'
import { type Logger, silentLogger } from '../logger.ts'
import type { IndexProgress } from './index-report.ts'

/** How documents are read and indexed. */
export interface IndexOptions {
  /** The folder that the documents' names are relative to; default: the working directory. */
  readonly root?: string
  /** The largest file in bytes, 1 … 1,000,000,000; default 10,000,000. */
  readonly maxBytes?: number
  /** Hears what was left out and why; default: nobody. */
  readonly logger?: Logger
  /** Hears of each document when it has been dealt with. */
  readonly onProgress?: (progress: IndexProgress) => void
  /** Ends the work between two groups of documents; what is written stays, nothing is removed. */
  readonly signal?: AbortSignal
  /** Default: the machine's clock. */
  readonly clock?: Clock
}

/** The options with their defaults. */
export interface IndexSettings {
  readonly root: string
  readonly maxBytes: number
  readonly logger: Logger
  readonly onProgress: ((progress: IndexProgress) => void) | undefined
  readonly signal: AbortSignal | undefined
  readonly clock: Clock
}

/** The names of the options, for `checkKeys`. */
export const indexOptionNames: readonly string[] = ['root', 'maxBytes', 'logger', 'onProgress', 'signal', 'clock']

/**
 * Checks paths and options.
 *
 * @throws RangeError or TypeError naming the path or option that is wrong.
 */
export function checkIndexing(paths: readonly string[], options: IndexOptions): IndexSettings {
  paths.forEach((path, index) => checkText(`paths[${index}]`, path))
  const { root = '.', maxBytes = 10_000_000, logger = silentLogger, clock = systemClock, signal, onProgress } = options
  checkText('root', root)
  checkInteger('maxBytes', maxBytes, { min: 1, max: 1_000_000_000 })
  checkClock('clock', clock)
  if (onProgress !== undefined) checkFunction('onProgress', onProgress)
  return { root, maxBytes, logger, clock, signal, onProgress }
}
