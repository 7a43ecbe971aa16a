import { Command } from 'commander'
import { SpillwayError } from '../../operators/index.ts'
import { documentOptions } from './document-settings.ts'
import { ingest } from './ingest.ts'
import { type IngestArguments, type IngestSettings, ingestSettings } from './ingest-settings.ts'

/**
 * `spillway ingest`: brings the index of a set of documents up to date.
 *
 * @param fail Told what is wrong with the command line or the documents; does not return.
 */
export function createIngestCommand(fail: (error: unknown) => never): Command {
  const command = new Command('ingest')
    .description('bring the index that `serve --docs` reads up to date: Markdown, text, HTML and PDF files')
    .argument('<paths...>', 'files and folders, as they are given to `serve --docs`, from the same folder')
    .option('--data-dir <folder>', 'where state is kept (default: .spillway)')
    .option(
      '--embedding-model <name>',
      'makes vectors too, as `serve` does with the same option (default: words alone)',
    )
    .option('--watch', 'go on, and follow changes of the documents')
    .option('--json', 'print each report as a line of JSON')
    .addHelpText('after', help)
    .action(async (paths: readonly string[], given: IngestArguments) => {
      let settings: IngestSettings
      try {
        settings = ingestSettings(paths, given, process.env)
      } catch (error) {
        return fail(error)
      }
      try {
        process.exitCode = await ingest(settings)
      } catch (error) {
        // Anything else is a fault of ours, and its stack trace is worth more than a sentence.
        if (error instanceof SpillwayError || (error instanceof Error && error.constructor === Error)) fail(error)
        throw error
      }
    })
  for (const [flags, description] of documentOptions) command.option(flags, description)
  return command
}

const help = `
A document that cannot be read is left out, with a reason on standard error, and does not keep the others from being
indexed. SIGINT and SIGTERM end the work between two groups of documents; what is written stays, and the next run goes
on from there. The exit code is 0 when all was done and every file that was named itself could be read; a watch that
was ended by a signal has done what it was asked.`
