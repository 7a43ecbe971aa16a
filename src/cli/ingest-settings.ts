import { checkText } from '../../operators/index.ts'
import { type DocumentArguments, documentSettings, type DocumentSettings } from './document-settings.ts'
import { embeddingSettings, type EmbeddingSettings } from './embedding-settings.ts'

/** What `spillway ingest` was given on the command line, as text. */
export interface IngestArguments extends DocumentArguments {
  readonly dataDir?: string
  readonly embeddingModel?: string
  readonly watch?: boolean
  readonly json?: boolean
}

/** What is to be indexed and how; everything has been checked. */
export interface IngestSettings extends DocumentSettings {
  readonly paths: readonly string[]
  readonly dataDir: string
  /** `undefined` for words alone. */
  readonly embedding: EmbeddingSettings | undefined
  readonly watch: boolean
  readonly json: boolean
}

/**
 * Checks the command line.
 *
 * @throws TypeError or RangeError naming the option, its value and what is allowed.
 */
export function ingestSettings(
  paths: readonly string[],
  given: IngestArguments,
  environment: Readonly<Record<string, string | undefined>>,
): IngestSettings {
  paths.forEach((path) => checkText('PATH', path))
  return {
    paths,
    dataDir: checkText('--data-dir', given.dataDir ?? '.spillway'),
    // An empty variable is how a shell or a compose file leaves one out.
    embedding: embeddingSettings(given.embeddingModel, (name) => environment[name] || undefined),
    ...documentSettings(given),
    watch: given.watch ?? false,
    json: given.json ?? false,
  }
}
