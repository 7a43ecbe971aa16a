import { checkInteger, checkText } from '../../operators/index.ts'

/** What `spillway ingest` was given on the command line, as text. */
export interface IngestArguments {
  readonly dataDir?: string
  readonly maxBytes?: string
  readonly watch?: boolean
  readonly json?: boolean
}

/** What is to be indexed and how; everything has been checked. */
export interface IngestSettings {
  readonly paths: readonly string[]
  readonly dataDir: string
  readonly maxBytes: number
  readonly watch: boolean
  readonly json: boolean
}

/**
 * Checks the command line.
 *
 * @throws TypeError or RangeError naming the option, its value and what is allowed.
 */
export function ingestSettings(paths: readonly string[], given: IngestArguments): IngestSettings {
  paths.forEach((path) => checkText('PATH', path))
  const { maxBytes = '10000000' } = given
  return {
    paths,
    dataDir: checkText('--data-dir', given.dataDir ?? '.spillway'),
    maxBytes: checkInteger('--max-bytes', /^\d+$/.test(maxBytes) ? Number(maxBytes) : maxBytes, {
      min: 1,
      max: 1_000_000_000,
    }),
    watch: given.watch ?? false,
    json: given.json ?? false,
  }
}
